"""msmtp sends, as scripts and cron have it do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.gateway import Account, Gateway
from tests.interop.mail import assert_identical, read_all
from tests.programs import require_program, run

MESSAGE = (
    b"Subject: x\r\nFrom: a@client.example\r\nDate: Mon, 06 Jul 2026 08:00:00 +0000\r\n"
    b"Message-ID: <1@client.example>\r\n\r\n.\r\n..x\r\ntext\r\n"
)


def msmtp(gateway: Gateway, *options: str, to: str, status: int = 0) -> bytes:
    settings = [f"--port={gateway.ports['smtp']}", "--host=localhost", "--from=a@client.example"]
    command = [require_program("msmtp"), "--file=/dev/null", *settings, *options, to]
    done = run(command, input=MESSAGE.replace(b"\r\n", b"\n"), status=status)
    return done.stdout + done.stderr


@pytest.mark.parametrize("tls", [True, False], ids=["starttls", "clear"])
def test_a_message(gateway: Gateway, account: Account, tls: bool) -> None:
    trust = ["--tls=on", f"--tls-trust-file={gateway.ca}"] if tls else ["--tls=off"]
    msmtp(gateway, *trust, to=account.address)
    (received,) = read_all(gateway, account)
    assert (b"with ESMTPS id" in received) == tls
    assert_identical(received, MESSAGE)


def test_after_a_login(gateway: Gateway, account: Account, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text(account.password)
    login = [
        "--auth=plain",
        f"--user={account.address}",
        f"--passwordeval=cat {password}",
        "--tls=on",
        f"--tls-trust-file={gateway.ca}",
    ]
    msmtp(gateway, *login, to=account.address)
    (received,) = read_all(gateway, account)
    assert b"with ESMTPSA id" in received


def test_an_unknown_recipient(gateway: Gateway) -> None:
    data_error = 65
    said = msmtp(gateway, "--tls=off", to="nobody@localhost", status=data_error)
    assert b"There is no mailbox with this address here" in said
