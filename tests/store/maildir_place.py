"""A Maildir store in a folder of its own, to be put to the test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock

from gateway.events import EventStream
from gateway.store.maildir import MaildirAdministration, MaildirStore
from tests.store.conformance import ANNA, Place


class MaildirPlace(Place):
    """Mail below `folder`/mail, the spool in `folder`/spool."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.root = folder / "mail"
        self.spool = folder / "spool"
        self.clock = Clock()
        self.settings = settings
        self.told: list[Any] = []
        self.stores: list[MaildirStore] = []
        self.store = self.another()
        self.administration = MaildirAdministration(self.root)

    def another(self, in_thread: Callable[..., Deferred[Any]] = maybeDeferred) -> MaildirStore:
        """See `Place.another`."""
        store = MaildirStore(
            self.root,
            self.spool,
            in_thread=in_thread,
            reactor=self.clock,
            events=EventStream(self.told.append),
            **self.settings,
        )
        store.start()
        self.stores.append(store)
        return store

    def close(self) -> None:
        """Stop all stores."""
        for store in self.stores:
            store.stop()

    def restart(self) -> None:
        """See `Place.restart`."""
        self.store = self.another()

    def remove_behind_its_back(self, mailbox: str, index: int) -> None:
        """See `Place.remove_behind_its_back`."""
        self.files(mailbox)[index].unlink()

    def folder(self, mailbox: str = ANNA) -> Path:
        """Return the folder of a mailbox, which exists."""
        location = self.administration.location(mailbox)
        for name in ("new", "cur", "tmp"):
            (location / name).mkdir(parents=True, exist_ok=True)
        return location

    def files(self, mailbox: str = ANNA) -> list[Path]:
        """Return the message files of a mailbox, ordered by name."""
        folder = self.folder(mailbox)
        found = [*(folder / "new").iterdir(), *(folder / "cur").iterdir()]
        return sorted(found, key=lambda path: path.name)

    def put(self, name: str, octets: bytes, mailbox: str = ANNA, folder: str = "new") -> Path:
        """Write a message file as another program would."""
        path = self.folder(mailbox) / folder / name
        path.write_bytes(octets)
        return path
