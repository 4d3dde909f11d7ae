"""A message that arrives, seen from the reactor: in memory, or handed on to the spool."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred

from gateway.store.interfaces import MessageAttributes
from gateway.store.maildir.storers import SpooledBeside, SpooledInThread, Storers
from gateway.store.maildir.storing import Stored


class ArrivingMessage:
    """What a `MessageWriter` of Maildirs writes to. Nothing here blocks."""

    def __init__(self, storers: Storers, attributes: MessageAttributes) -> None:
        self._storers = storers
        self._attributes = attributes
        self._spooled: SpooledInThread | SpooledBeside | None = None

    def add(self, blocks: Sequence[bytes]) -> Deferred[None]:
        """Have the next octets written to the spool. Fails with `StoreError`."""
        if self._spooled is None:
            self._spooled = self._storers.spool(self._attributes)
        return self._spooled.add(blocks)

    def discard(self) -> None:
        """Give up what was spooled."""
        if self._spooled is not None:
            self._spooled.discard()

    def store(self, blocks: Sequence[bytes], mailboxes: Sequence[str]) -> Deferred[Stored]:
        """Store it with its last octets. Fails with `StoreError`."""
        if self._spooled is not None:
            return self._spooled.store(blocks, mailboxes)
        return self._storers.store(self._attributes, blocks, mailboxes)
