"""What is asked of the writer: messages to store, messages to delete."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred

from gateway.store.interfaces import MessageAttributes, StoredCopy
from gateway.store.sqlite.large import ArrivingFile
from gateway.store.sqlite.selection import Run


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
    count: int
    """Of the messages."""
    runs: Callable[[], Iterable[Run]]
    """Says which they are; called in the writer's thread."""
    until: float | None = None
    """Until when they are kept, in seconds since the epoch; None: they are not."""
    answer: Deferred[None] = field(default_factory=Deferred)

    @property
    def cost(self) -> int:
        """About how many octets it adds to the log."""
        return 512 * self.count + 16_384


Job = Delivery | Removal
