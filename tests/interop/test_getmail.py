"""getmail6 fetches, keeps or deletes, and fetches nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.gateway import Account, Gateway
from tests.interop.mail import SAMPLES, FileDrop, read_all, send
from tests.programs import require_program, run

WAYS = {
    "clear": ("pop3", "SimplePOP3Retriever"),
    "pop3s": ("pop3s", "SimplePOP3SSLRetriever"),
}


class Getmail:
    """getmail with a home of its own; each message it fetches becomes a file."""

    def __init__(
        self, gateway: Gateway, account: Account, home: Path, way: str, keep: bool
    ) -> None:
        self.home = home
        self.drop = FileDrop(home)
        kind, retriever = WAYS[way]
        trust = f"ca_certs = {gateway.ca}\n" if way == "pop3s" else ""
        (home / "getmailrc").write_text(
            f"[retriever]\ntype = {retriever}\nserver = localhost\nport = {gateway.ports[kind]}\n"
            f"username = {account.address}\npassword = {account.password}\n{trust}"
            f"[destination]\ntype = MDA_external\npath = {self.drop.program}\n"
            "allow_root_commands = true\n"
            f"[options]\nread_all = false\ndelete = {not keep}\n"
            "delivered_to = false\nreceived = false\n"
        )

    def fetch(self) -> list[bytes]:
        """Poll once; return the new messages."""
        getmail: list[str | Path] = [
            require_program("getmail"),
            "--quiet",
            "--getmaildir",
            self.home,
        ]
        run(getmail, env={"HOME": str(self.home)})
        return self.drop.take()


@pytest.mark.parametrize("way", WAYS)
def test_keeping(gateway: Gateway, account: Account, tmp_path: Path, way: str) -> None:
    getmail = Getmail(gateway, account, tmp_path, way, True)
    send(gateway, [account.address], SAMPLES["plain"])
    send(gateway, [account.address], SAMPLES["eight-bit"])
    assert len(getmail.fetch()) == 2
    assert getmail.fetch() == []
    send(gateway, [account.address], SAMPLES["leading-dots"])
    (third,) = getmail.fetch()
    assert b"\n..\n...\n.x\n" in third
    assert len(read_all(gateway, account)) == 3


@pytest.mark.parametrize("way", WAYS)
def test_not_keeping(gateway: Gateway, account: Account, tmp_path: Path, way: str) -> None:
    getmail = Getmail(gateway, account, tmp_path, way, False)
    for name in ("plain", "eight-bit", "leading-dots"):
        send(gateway, [account.address], SAMPLES[name])
    assert len(getmail.fetch()) == 3
    assert read_all(gateway, account) == []
