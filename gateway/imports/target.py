"""Our mail store, for a command that waits: every call here blocks until it is done.

No reactor runs. What the store would do in threads is done at once; where it waits for another
process that holds the maildrop, this sleeps for it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from gateway.client import Client
from gateway.files import Owner, acting_as
from gateway.store.interfaces import MessageAttributes
from gateway.store.kinds import open_store

_STEP = 0.05
"""Seconds between two looks."""


class Target:
    """The store of a data folder.

    @param kind: of the store.
    @param owner: with whose rights it is used, where root works for another user.
    """

    def __init__(self, kind: str, data: Path, owner: Owner | None) -> None:
        self._clock = Clock()
        self._owner = owner
        with acting_as(owner):
            store: Any = open_store(kind, data, in_thread=maybeDeferred, reactor=self._clock)
            store.start()
        self.store = store

    def close(self) -> None:
        """Let go of the store."""
        with self._acting():
            self.wait(self.store.stop())

    @contextmanager
    def mailbox(self, mailbox: str) -> Iterator[TargetMailbox]:
        """Hold a mailbox, so that no client sees it half filled.

        @raise MaildropInUse: a client is reading it.
        @raise StoreError: it cannot be opened.
        """
        with self._acting():
            client = Client("import", "127.0.0.1", connected_at=time.time())
            maildrop = self.wait(self.store.open_maildrop(mailbox, client))
        try:
            yield TargetMailbox(self, maildrop)
        finally:
            with self._acting():
                maildrop.release()

    def wait(self, answer: Any) -> Any:
        """Return what a Deferred, or a plain value, gives in the end."""
        if not isinstance(answer, Deferred):
            return answer
        outcome: list[Any] = []
        answer.addBoth(outcome.append)
        while not outcome:
            time.sleep(_STEP)
            self._clock.advance(_STEP)
        if isinstance(outcome[0], Failure):
            outcome[0].raiseException()
        return outcome[0]

    @contextmanager
    def _acting(self) -> Iterator[None]:
        with acting_as(self._owner):
            yield


class TargetMailbox:
    """One mailbox of ours while it is held."""

    def __init__(self, target: Target, maildrop: Any) -> None:
        self._target = target
        self._maildrop = maildrop
        self.sizes: Sequence[int] = maildrop.snapshot.sizes
        self.uidls: Sequence[str] = maildrop.snapshot.uidls
        self._digests: dict[int, bytes] = {}

    def digest(self, index: int) -> bytes:
        """Return the SHA-256 of a message. Raises `StoreError`."""
        if index not in self._digests:
            with self._target._acting():
                self._digests[index] = self._read_digest(index)
        return self._digests[index]

    def _read_digest(self, index: int) -> bytes:
        wait = self._target.wait
        reader = wait(self._maildrop.open_message(index))
        digest = sha256()
        try:
            while block := wait(reader.read()):
                digest.update(block)
        finally:
            reader.close()
        return digest.digest()

    def store(self, blocks: Iterable[bytes], attributes: MessageAttributes) -> str:
        """Store a message, durably; return its unique-id. Raises `StoreError`."""
        wait = self._target.wait
        with self._target._acting():
            writer = self._target.store.begin_delivery(attributes)
            try:
                for block in blocks:
                    wait(writer.write(block))
                copies = wait(writer.commit([self._maildrop.mailbox]))
            finally:
                writer.abort()
        uidl: str = copies[0].uidl
        return uidl

    def delete(self, indexes: Sequence[int]) -> None:
        """Delete messages, durably. Raises `StoreError`."""
        if indexes:
            with self._target._acting():
                self._target.wait(self._maildrop.commit(indexes))
