"""What is asked of the writer: messages to store, messages to delete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred

from gateway.store.interfaces import MessageAttributes, StoredCopy
from gateway.store.sqlite.large import ArrivingFile


@dataclass(eq=False, slots=True)
class Delivery:
    """A message for some mailboxes."""

    mailboxes: Sequence[str]
    attributes: MessageAttributes
    content: bytes | None
    """The octets; None where they lie in a file."""
    file: ArrivingFile | None = None
    answer: Deferred[list[StoredCopy]] = field(default_factory=Deferred)

    @property
    def cost(self) -> int:
        """About how many octets it adds to the log."""
        return 16_384 * len(self.mailboxes) + len(self.content or b"")


@dataclass(eq=False, slots=True)
class Removal:
    """Messages of one mailbox that are to be deleted, or set aside."""

    mailbox: int
    messages: Sequence[tuple[int, int]]
    """Place and number of each."""
    until: float | None = None
    """Until when they are kept, in seconds since the epoch; None: they are not."""
    answer: Deferred[None] = field(default_factory=Deferred)

    @property
    def cost(self) -> int:
        """About how many octets it adds to the log."""
        return 512 * len(self.messages) + 16_384


Job = Delivery | Removal
