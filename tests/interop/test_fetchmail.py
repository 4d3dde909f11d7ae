"""fetchmail fetches, keeps or deletes, and fetches nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.gateway import Account, Gateway
from tests.interop.mail import SAMPLES, FileDrop, read_all, send
from tests.programs import require_program, run

NO_MAIL = 1
WAYS = {
    "clear": ("pop3", "sslproto ''"),
    "stls": ("pop3", "sslproto 'TLS1.2+' sslcertck sslcertfile '{ca}'"),
    "pop3s": ("pop3s", "ssl sslcertck sslcertfile '{ca}'"),
}


class Fetchmail:
    """fetchmail with a home of its own; each message it fetches becomes a file."""

    def __init__(self, gateway: Gateway, account: Account, home: Path, way: str, keep: str) -> None:
        self.home = home
        self.drop = FileDrop(home)
        kind, tls = WAYS[way]
        self.settings = home / "fetchmailrc"
        self.settings.write_text(
            f"poll localhost protocol POP3 uidl service {gateway.ports[kind]}\n"
            f"username '{account.address}' password '{account.password}'\n"
            f"{tls.format(ca=gateway.ca)} {keep} norewrite mda '{self.drop.program}'\n"
        )
        self.settings.chmod(0o600)

    def fetch(self, status: int = 0) -> list[bytes]:
        """Poll once; return the new messages."""
        fetchmail: list[str | Path] = [
            require_program("fetchmail"),
            "--nosyslog",
            "-f",
            self.settings,
        ]
        home = {"HOME": str(self.home), "FETCHMAILHOME": str(self.home)}
        files: list[str | Path] = ["--idfile", self.home / "ids", "--pidfile", self.home / "pid"]
        run([*fetchmail, *files], env=home, status=status)
        return self.drop.take()


@pytest.mark.parametrize("way", WAYS)
def test_keeping(gateway: Gateway, account: Account, tmp_path: Path, way: str) -> None:
    fetchmail = Fetchmail(gateway, account, tmp_path, way, "keep")
    send(gateway, [account.address], SAMPLES["plain"])
    send(gateway, [account.address], SAMPLES["eight-bit"])
    assert len(fetchmail.fetch()) == 2
    assert fetchmail.fetch(NO_MAIL) == []
    send(gateway, [account.address], SAMPLES["leading-dots"])
    (third,) = fetchmail.fetch()
    assert third.endswith(SAMPLES["leading-dots"].replace(b"\r\n", b"\n"))
    assert fetchmail.fetch(NO_MAIL) == []
    assert len(read_all(gateway, account)) == 3


@pytest.mark.parametrize("way", WAYS)
def test_not_keeping(gateway: Gateway, account: Account, tmp_path: Path, way: str) -> None:
    fetchmail = Fetchmail(gateway, account, tmp_path, way, "nokeep")
    for name in ("plain", "leading-dots", "very-long-header"):
        send(gateway, [account.address], SAMPLES[name])
    assert len(fetchmail.fetch()) == 3
    assert read_all(gateway, account) == []
    assert fetchmail.fetch(NO_MAIL) == []
