"""Long work on the reactor thread, in pieces."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

OCTETS = 262_144
"""How much is read at a time: well below five milliseconds."""
STEP_OCTETS = 4000
"""What a step costs beside the octets it reads, in octets."""


class Turns:
    """Says when other connections should have their turn.

    @param clock: the reactor, or a `twisted.internet.task.Clock`.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._spent = 0

    def over(self, octets: int = 0) -> bool:
        """Take note of a step; say whether `pause` is due.

        @param octets: how many it has read.
        """
        self._spent += octets + STEP_OCTETS
        return self._spent > OCTETS

    def pause(self) -> Deferred[None]:
        """Return a Deferred that fires when the others had their turn."""
        self._spent = 0
        return deferLater(self._clock, 0)
