"""What a server is here: a process tree with a POP3 port and mailboxes of its own."""

from __future__ import annotations

import subprocess
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.pop3 import mailboxes
from bench.pop3.mailboxes import Contents, Masters

PASSWORD = "bench-password"
DOMAIN = "bench.example"


@dataclass(frozen=True)
class Place:
    """What a server is given."""

    folder: Path
    """Its own, empty; others may look into it."""
    users: Sequence[str]
    """Local parts of those who can log in with `PASSWORD`."""
    certificate: Path
    """PEM."""
    key: Path
    """PEM, P-256."""
    masters: Masters


class Server(ABC):
    """A server. `start`, then `give` mailboxes, then `stop`."""

    name: str
    title: str
    """For tables and plots."""
    most_idle = 500
    """How many idle sessions it can be asked to hold as it is configured."""
    tls = True
    counts_sizes = True
    """Whether it counts canonical sizes of files whose names do not tell them."""
    waits_for_acks = False
    """Whether Nagle's algorithm is left on, which can cost 40 ms an answer."""
    port: int
    tls_port: int
    pid: int
    """The process above all others of the server."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.mail = place.folder / "mail"

    @classmethod
    @abstractmethod
    def version(cls) -> str | None:
        """Return what is installed; None where it cannot run here."""

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def stop(self) -> None: ...

    def give(self, users: Sequence[str], contents: Contents) -> None:
        """Let these users have mailboxes with these contents, none of them seen before."""
        master = self.place.masters.of(contents)
        for user in users:
            mailboxes.fill(self.mail / user, master)

    def take(self, users: Sequence[str]) -> None:
        """Remove what these users have."""
        for user in users:
            mailboxes.remove(self.mail / user)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that was started here."""
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=20)
