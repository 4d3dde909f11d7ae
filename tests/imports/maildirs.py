"""Maildirs of another server, and what is in ours afterwards."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from twisted.internet.defer import maybeDeferred
from twisted.internet.task import Clock

from gateway.client import Client
from gateway.store.kinds import open_store
from tests.admin.commands import Office

SECONDS = 1_600_000_000
"""When the first message arrived there."""


class OldMaildir:
    """A Maildir to import."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("new", "cur", "tmp"):
            (folder / name).mkdir(parents=True)
        self._count = 0

    def add(self, octets: bytes = b"", name: str = "", *, modified: float = 0.0) -> str:
        """Add a message, which arrived a minute after the one before; return its base name."""
        self._count += 1
        arrived = SECONDS + 60 * self._count
        base = name or f"{arrived}.M{self._count}P1.mx"
        path = self.folder / "new" / base
        path.write_bytes(octets or b"Subject: %d\n\ntext\n" % self._count)
        os.utime(path, (modified or arrived, modified or arrived))
        return base.partition(":")[0]

    def write(self, name: str, octets: bytes) -> Path:
        """Write a file beside the messages."""
        path = self.folder / name
        path.write_bytes(octets)
        return path


@dataclass(frozen=True)
class Ours:
    """A message in a mailbox of ours."""

    uidl: str
    octets: bytes
    arrived: float


def ours(office: Office, mailbox: str = "anna@example.org") -> list[Ours]:
    """What a mailbox holds, in order, seen through the interfaces of a store."""
    clock = Clock()
    store = open_store("maildir", office.data, in_thread=maybeDeferred, reactor=clock)
    opened: list = []
    store.open_maildrop(mailbox, Client("test", "127.0.0.1")).addBoth(opened.append)
    (drop,) = opened
    found = []
    try:
        for index, uidl in enumerate(drop.snapshot.uidls):
            readers: list = []
            maybeDeferred(drop.open_message, index).addBoth(readers.append)
            octets = b"".join(iter(readers[0].read, b""))
            found.append(Ours(uidl, octets, drop.attributes(index).arrived))
    finally:
        drop.release()
    return found


def put(office: Office, octets: bytes, mailbox: str = "anna@example.org") -> None:
    """Deliver a message (LF line ends) into a mailbox of ours, as another program does it."""
    folder = office.data / "mail" / mailbox.partition("@")[2] / mailbox.partition("@")[0]
    for name in ("new", "cur", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "new" / f"1700000000.M{len(octets)}P7.here").write_bytes(octets)
