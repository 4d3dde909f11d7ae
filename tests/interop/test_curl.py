"""curl reads and sends."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.gateway import Account, Gateway
from tests.interop.mail import SAMPLES, assert_identical, read_all, send
from tests.programs import require_program, run


def _curl(gateway: Gateway, kind: str, path: str, *options: str | Path) -> bytes:
    scheme, _, port = kind.partition(":")
    url = f"{scheme}://localhost:{gateway.ports[port or scheme]}/{path}"
    curl = [require_program("curl"), "--silent", "--show-error", "--max-time", "30"]
    return run([*curl, "--cacert", gateway.ca, *options, url]).stdout


@pytest.mark.parametrize(
    ("kind", "options"),
    [("pop3", []), ("pop3", ["--ssl-reqd"]), ("pop3s", [])],
    ids=["clear", "stls", "pop3s"],
)
def test_reading(gateway: Gateway, account: Account, kind: str, options: list[str]) -> None:
    for name in ("leading-dots", "every-octet", "very-long-line"):
        send(gateway, [account.address], SAMPLES[name])
    options = [*options, "--user", f"{account.address}:{account.password}"]
    assert len(_curl(gateway, kind, "", *options).splitlines()) == 3
    for number, name in enumerate(("leading-dots", "every-octet", "very-long-line"), 1):
        assert_identical(_curl(gateway, kind, str(number), *options), SAMPLES[name])
    assert len(_curl(gateway, kind, "", *options, "--request", "UIDL").splitlines()) == 3
    top = _curl(gateway, kind, "", *options, "--request", "TOP 1 0")
    assert b"Subject: dots" in top and b"\r\n..\r\n" not in top
    _curl(gateway, kind, "1", *options, "--request", "DELE", "--head")
    assert len(read_all(gateway, account)) == 2


@pytest.mark.parametrize("tls", [[], ["--ssl-reqd"]], ids=["clear", "starttls"])
@pytest.mark.parametrize("name", ["eight-bit", "leading-dots", "no-final-newline"])
def test_sending(
    gateway: Gateway, account: Account, tmp_path: Path, tls: list[str], name: str
) -> None:
    file = tmp_path / "message"
    file.write_bytes(SAMPLES[name])
    envelope = ["--mail-from", "sender@example.org", "--mail-rcpt", account.address]
    _curl(gateway, "smtp", "client.example.org", *tls, *envelope, "--upload-file", file)
    (received,) = read_all(gateway, account)
    assert_identical(received, SAMPLES[name])


def test_a_wrong_password(gateway: Gateway, account: Account) -> None:
    url = f"pop3://localhost:{gateway.ports['pop3']}/"
    login_denied = 67
    run(
        [require_program("curl"), "--silent", "--user", f"{account.address}:wrong", url],
        status=login_denied,
    )
