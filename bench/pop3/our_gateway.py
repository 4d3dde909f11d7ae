"""The gateway, with each kind of store."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import gateway
from bench.pop3.mailboxes import Contents
from bench.pop3.servers import DOMAIN, PASSWORD, Place, Server
from tests.interop.gateway import Gateway

_CONFIGURATION = """
[auth]
plaintext = "loopback"
# Every password is proven before anything is measured.
argon2 = { time_cost = 1, memory_cost = 8 }
scram_iterations = 0
[limits]
connections = 0
"""
_SEPARATE = Path(__file__).with_name("fill_store.py")


class MaildirGateway(Server):
    """`twistd pop3gw`."""

    name = "pop3gw"
    title = "pop3gw"
    kind = "maildir"
    most_idle = 5000

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.mail = place.folder / "pop3gw-data" / "mail" / DOMAIN

    @classmethod
    def version(cls) -> str | None:
        return f"(this tree, Twisted {version('twisted')})"

    def start(self) -> None:
        folder = self.place.folder
        options = ["--pop3", "tcp:0:interface=127.0.0.1", "--pop3s", "tcp:0:interface=127.0.0.1"]
        self._gateway = Gateway(
            folder, options=options, store=self.kind, configuration=_CONFIGURATION
        )
        self._gateway.start()
        self._gateway.stop()  # now there is a data folder
        tls = self._gateway.data / "tls"
        shutil.copy(self.place.certificate, tls / "fullchain.pem")
        shutil.copy(self.place.key, tls / "privkey.pem")
        users = folder / "users.csv"
        users.write_text("".join(f"{user}@{DOMAIN},{PASSWORD}\n" for user in self.place.users))
        self._gateway.admin("domain", "add", DOMAIN)
        self._gateway.admin("user", "add", "--from", str(users), timeout=300)
        self._gateway.start()
        self.port, self.tls_port = (self._gateway.ports[kind] for kind in ("pop3", "pop3s"))
        assert self._gateway.process is not None
        self.pid = self._gateway.process.pid

    def stop(self) -> None:
        self._gateway.stop()


class SQLiteGateway(MaildirGateway):
    """The gateway with its embedded store. Its mailboxes are filled by a program of their own."""

    name = "pop3gw-sqlite"
    title = "pop3gw, sqlite"
    kind = "sqlite"
    counts_sizes = False  # there are no names that could tell them

    def give(self, users: Sequence[str], contents: Contents) -> None:
        names = [f"{user}@{DOMAIN}" for user in users]
        fill_store(self.place.folder / "pop3gw-data", names, contents)

    def take(self, users: Sequence[str]) -> None:
        """Nothing: what was fetched stays, and harms nobody."""


def fill_store(data: Path, addresses: Sequence[str], contents: Contents) -> None:
    """Give mailboxes of the embedded store the same messages, which share their octets."""
    numbers = [contents.messages, contents.octets, int(contents.encoded)]
    root = Path(gateway.__file__ or "").parent.parent
    subprocess.run(
        [sys.executable, _SEPARATE, data, *map(str, numbers)],
        input="\n".join(addresses).encode(),
        check=True,
        timeout=600,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
