"""mpop fetches, keeps or deletes, and fetches nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.gateway import Account, Gateway
from tests.interop.mail import SAMPLES, read_all, send
from tests.programs import require_program, run

WAYS = {
    "clear": ("pop3", "tls off\nauth user\n"),
    "stls": ("pop3", "tls on\ntls_starttls on\ntls_trust_file {ca}\n"),
    "pop3s": ("pop3s", "tls on\ntls_starttls off\ntls_trust_file {ca}\n"),
}


class Mpop:
    """mpop with a Maildir of its own."""

    def __init__(self, gateway: Gateway, account: Account, home: Path, way: str, keep: str) -> None:
        self.maildir = home / "maildir"
        for name in ("new", "cur", "tmp"):
            (self.maildir / name).mkdir(parents=True)
        kind, tls = WAYS[way]
        self.settings = home / "mpoprc"
        self.settings.write_text(
            f"account default\nhost localhost\nport {gateway.ports[kind]}\n"
            f'user {account.address}\npassword "{account.password}"\nkeep {keep}\n'
            f"{tls.format(ca=gateway.ca)}received_header off\n"
            f"delivery maildir {self.maildir}\nuidls_file {home}/uidls\n"
        )
        self.settings.chmod(0o600)

    def fetch(self) -> list[bytes]:
        """Poll once; return the new messages."""
        run([require_program("mpop"), "-q", "-C", self.settings])
        files = sorted((self.maildir / "new").iterdir())
        messages = [file.read_bytes() for file in files]
        for file in files:
            file.unlink()
        return messages


@pytest.mark.parametrize("way", WAYS)
def test_keeping(gateway: Gateway, account: Account, tmp_path: Path, way: str) -> None:
    mpop = Mpop(gateway, account, tmp_path, way, "on")
    send(gateway, [account.address], SAMPLES["plain"])
    send(gateway, [account.address], SAMPLES["very-long-line"])
    assert len(mpop.fetch()) == 2
    assert mpop.fetch() == []
    send(gateway, [account.address], SAMPLES["leading-dots"])
    (third,) = mpop.fetch()
    assert third.endswith(SAMPLES["leading-dots"].replace(b"\r\n", b"\n"))
    assert len(read_all(gateway, account)) == 3


@pytest.mark.parametrize("way", WAYS)
def test_not_keeping(gateway: Gateway, account: Account, tmp_path: Path, way: str) -> None:
    mpop = Mpop(gateway, account, tmp_path, way, "off")
    for name in ("plain", "eight-bit", "dots-at-every-offset"):
        send(gateway, [account.address], SAMPLES[name])
    assert len(mpop.fetch()) == 3
    assert read_all(gateway, account) == []
    assert mpop.fetch() == []
