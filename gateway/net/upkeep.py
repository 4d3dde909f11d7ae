"""Work that recurs while the gateway runs, such as renewing certificates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from gateway.config_errors import ConfigError
from gateway.events import EventStream, InternalError, Trouble

INTERVAL = 12 * 3600.0
"""Seconds from one success to the next look."""
FIRST_RETRY, LAST_RETRY = 300.0, 12 * 3600.0
"""Seconds from a failure to the next attempt: at first, and doubling up to."""


class Upkeep(Service):
    """Calls some blocking work off the reactor, now and then.

    @param what: what is worked on, for the log.
    @param work: what is called. Raises `ConfigError` or `OSError` where a person may have to
        see to something.
    @param run: calls `work` in a thread and returns a Deferred.
    @param events: hears of failures.
    @param first_delay: seconds from the start of the service to the first call.
    """

    def __init__(
        self,
        what: str,
        work: Callable[[], object],
        run: Callable[[Callable[[], object]], Deferred[Any]],
        clock: IReactorTime,
        events: EventStream,
        *,
        first_delay: float = INTERVAL,
    ) -> None:
        self._what = what
        self._work = work
        self._run = run
        self._clock = clock
        self._events = events
        self._first_delay = first_delay
        self._failures = 0
        self._call: Any = None

    def startService(self) -> None:
        """See `IService`."""
        super().startService()
        self._later(self._first_delay)

    def stopService(self) -> None:
        """See `IService`. Work that is being done ends by itself, and nothing follows."""
        super().stopService()
        if self._call is not None and self._call.active():
            self._call.cancel()

    def _later(self, seconds: float) -> None:
        if self.running:
            self._call = self._clock.callLater(seconds, self._begin)

    def _begin(self) -> None:
        self._run(self._work).addCallbacks(self._done, self._failed)

    def _done(self, _: object) -> None:
        self._failures = 0
        self._later(INTERVAL)

    def _failed(self, failure: Failure) -> None:
        delay = min(FIRST_RETRY * 2**self._failures, LAST_RETRY)
        self._failures = min(self._failures + 1, 16)
        if failure.check(ConfigError, OSError):
            again = f"; tried again in {delay / 60:.0f} minutes"
            self._events.emit(Trouble(self._what, f"{failure.value}{again}"))
        else:
            self._events.emit(InternalError(self._what, failure))
        self._later(delay)
