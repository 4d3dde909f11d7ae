"""Which messages of a snapshot a session has marked as deleted, and which it has removed."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from gateway.store.interfaces import Snapshot


class Marks:
    """The deletions of one session. Messages are named by their index."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._hidden: set[int] = set()
        self._removed: set[int] = set()
        self._hidden_octets = 0

    @property
    def hidden(self) -> Collection[int]:
        """All that are marked or removed."""
        return self._hidden

    def is_removed(self, index: int) -> bool:
        """Say whether a message was removed for good in this session."""
        return index in self._removed

    def marked(self) -> list[int]:
        """Return what UPDATE is to remove, sorted."""
        return sorted(self._hidden - self._removed)

    def left(self) -> tuple[int, int]:
        """Return the number of messages that are neither marked nor removed, and their octets."""
        return (
            len(self._snapshot) - len(self._hidden),
            self._snapshot.octets - self._hidden_octets,
        )

    def mark(self, index: int) -> None:
        """Mark a message that is not yet hidden."""
        self._hidden.add(index)
        self._hidden_octets += self._snapshot.sizes[index]

    def unmark_all(self) -> None:
        """Take the marks back; what was removed stays removed."""
        self._hidden = set(self._removed)
        self._hidden_octets = sum(self._snapshot.sizes[index] for index in self._removed)

    def remove(self, indexes: Iterable[int]) -> None:
        """Take note that messages are gone for good."""
        gone = set(indexes)
        self._hidden_octets += sum(self._snapshot.sizes[index] for index in gone - self._hidden)
        self._hidden |= gone
        self._removed |= gone
