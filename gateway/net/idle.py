"""A timeout that costs nothing while things happen."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime


class IdleTimer:
    """Calls `expired` once nothing was `touch`ed for `seconds`.

    A touch only notes the time: the delayed call is moved when it comes due, not at every read.

    @param clock: the reactor, or a `twisted.internet.task.Clock`.
    """

    __slots__ = ("_call", "_clock", "_expired", "_seconds", "_touched")

    def __init__(self, clock: IReactorTime, expired: Callable[[], object]) -> None:
        self._clock = clock
        self._expired = expired
        self._seconds = 0.0
        self._touched = 0.0
        self._call: IDelayedCall | None = None

    def start(self, seconds: float) -> None:
        """Begin to count anew, to `seconds`."""
        self.stop()
        self._seconds = seconds
        self._touched = self._clock.seconds()
        self._call = self._clock.callLater(seconds, self._due)

    def touch(self) -> None:
        """Something happened."""
        self._touched = self._clock.seconds()

    @property
    def idle_seconds(self) -> float:
        """How long nothing has happened."""
        return self._clock.seconds() - self._touched

    def _due(self) -> None:
        self._call = None
        left = self._touched + self._seconds - self._clock.seconds()
        if left > 0:
            self._call = self._clock.callLater(left, self._due)
        else:
            self._expired()

    def stop(self) -> None:
        """Never call."""
        if self._call is not None:
            self._call.cancel()
            self._call = None
