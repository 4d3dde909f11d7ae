"""Maildirs of another server, and what is in ours afterwards."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.client import Client
from gateway.imports.target import Target
from gateway.store.interfaces import MessageAttributes
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


@contextmanager
def held(office: Office, mailbox: str) -> Iterator[tuple[Target, Any]]:
    """The store of an office, whatever its kind, and a maildrop in it while it is held."""
    kind = json.loads((office.data / "format.json").read_text())["store"]
    target = Target(kind, office.data, None)
    try:
        drop = target.wait(target.store.open_maildrop(mailbox, Client("test", "127.0.0.1")))
        try:
            yield target, drop
        finally:
            drop.release()
    finally:
        target.close()


def ours(office: Office, mailbox: str = "anna@example.org") -> list[Ours]:
    """What a mailbox holds, in order."""
    found = []
    with held(office, mailbox) as (target, drop):
        for index, uidl in enumerate(drop.snapshot.uidls):
            reader = target.wait(drop.open_message(index))
            blocks = iter(lambda read=reader.read: target.wait(read()), b"")
            found.append(Ours(uidl, b"".join(blocks), drop.attributes(index).arrived))
            reader.close()
    return found


def put(office: Office, octets: bytes, mailbox: str = "anna@example.org") -> None:
    """Deliver a message (CRLF line ends) into a mailbox of ours."""
    with held(office, mailbox) as (target, _):
        writer = target.store.begin_delivery(MessageAttributes(arrived=1_600_000_000.0))
        target.wait(writer.write(octets))
        target.wait(writer.commit([mailbox]))


def remove(office: Office, indexes: list[int], mailbox: str = "anna@example.org") -> None:
    """Delete messages of ours, as a mail program does it."""
    with held(office, mailbox) as (target, drop):
        assert target.wait(drop.commit(indexes)) == []
