"""How much of the messages that arrive is held in memory."""

from __future__ import annotations


class Memory:
    """Counts what all messages on their way in hold together. For one thread.

    @param limit: octets; beyond it messages go to the spool early.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.octets = 0
        """How much is held now."""

    def hold(self, octets: int) -> None:
        """Count octets that are held now."""
        self.octets += octets

    def release(self, octets: int) -> None:
        """Count octets that are no longer held."""
        self.octets -= octets

    @property
    def is_full(self) -> bool:
        """Whether no more should be held."""
        return self.octets > self._limit
