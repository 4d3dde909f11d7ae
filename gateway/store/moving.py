"""What a conversion asks of a store: all its messages, those too that sessions do not see. Blocks.

Each kind of store has an end, for a command that has the store for itself: no gateway runs.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.store.interfaces import MessageAttributes


@dataclass(frozen=True, slots=True)
class KeptMessage:
    """A message as it lies in a store."""

    attributes: MessageAttributes
    """With its time of arrival. Without a unique-id it gets a new one wherever it goes."""
    octets: int
    """Its size in canonical form."""
    until: float | None
    """Until when it is kept although it was deleted, as in `DeletedMessage`; None: it was not."""
    body: Hashable
    """The same for messages that share their octets; None: no other has these."""
    place: Any
    """What its end finds it by."""


Read = Callable[[], Iterator[bytes]]
"""Yields the octets of a message."""


def blocks_of(reader: Any) -> Iterator[bytes]:
    """Yield what an `IMessageReader` has, then close it.

    @param reader: one that gives its blocks at once, as those of the kinds of store do.
    """
    try:
        while block := reader.read():
            yield block
    finally:
        reader.close()


class StoreEnd(Protocol):
    """One end of a conversion. Everything raises `StoreError`."""

    def opened(self) -> AbstractContextManager[object]:
        """Open the store for the block."""

    def mailboxes(self) -> list[str]:
        """Return the names of all mailboxes."""

    def count(self, mailbox: str) -> int:
        """Say about how many messages of a mailbox sessions see, at once."""

    def holding(self, mailbox: str) -> AbstractContextManager[object]:
        """Make a mailbox if need be, and keep others out for the block."""

    def messages(self, mailbox: str) -> list[KeptMessage]:
        """Return all messages of a mailbox that is held, in order of arrival."""

    def read(self, message: KeptMessage) -> Iterator[bytes]:
        """Yield the octets of a message."""

    def kept_until(self, until: float) -> float:
        """Return until when this store keeps a message that is to be kept for so long."""

    def put(self, mailbox: str, message: KeptMessage, read: Read) -> None:
        """Store a message of the other end, durably by the next `flush` at the latest.

        @param read: called where no message with the same body was stored or noted before.
        """

    def note(self, message: KeptMessage, here: KeptMessage) -> None:
        """Take note that a message of the other end is here already."""

    def remove(self, mailbox: str, messages: Sequence[KeptMessage]) -> None:
        """Remove messages of this end for good, durably."""

    def flush(self) -> None:
        """Have all that was put on stable storage."""
