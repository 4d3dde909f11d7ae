"""What became of a mailbox that was imported, or what would."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Outcome:
    """One mailbox; the numbers are of messages."""

    mailbox: str
    source: str
    """Where it comes from, for a person."""
    messages: int = 0
    """In the source."""
    kept: int = 0
    """Stored with the unique-id that the old server gave."""
    new: Counter[str] = field(default_factory=Counter)
    """Stored with a unique-id that no client knows, by the reason."""
    here: int = 0
    """Here already, and not stored again."""
    renamed: int = 0
    """Of `kept`: here already under another unique-id, which it gave up."""
    vanished: int = 0
    """Deleted by the old server meanwhile."""
    unreadable: list[str] = field(default_factory=list)
    """What is told of each message that cannot be read."""
    octets: int = 0
    """Stored."""
    failure: str = ""
    """Why the rest was not imported; "" if all was that can be read."""

    @property
    def is_whole(self) -> bool:
        """Whether all messages are here."""
        return not self.failure and not self.unreadable
