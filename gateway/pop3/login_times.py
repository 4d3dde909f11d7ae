"""When users logged in last, for LOGIN-DELAY (RFC 2449 section 6.5)."""

from __future__ import annotations

from collections import OrderedDict

from twisted.internet.interfaces import IReactorTime

from gateway.shared.times import SharedTimes

MOST_USERS = 100_000


class LoginTimes:
    """Remembers the last login of each user, in this process.

    Listeners that count together share one.

    @param clock: the reactor, or a `twisted.internet.task.Clock`.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._times: OrderedDict[str, float] = OrderedDict()

    def seconds_to_wait(self, user: str, delay: float) -> float:
        """Return for how long a user must still wait, 0.0 if not at all.

        @param delay: the least time in seconds from one login to the next.
        """
        last = self._last(user)
        return 0.0 if last is None else max(0.0, last + delay - self._clock.seconds())

    def logged_in(self, user: str) -> None:
        """Take note that a user has heard +OK to a login just now."""
        self._times[user] = self._clock.seconds()
        self._times.move_to_end(user)
        while len(self._times) > MOST_USERS:
            self._times.popitem(last=False)

    def _last(self, user: str) -> float | None:
        return self._times.get(user)


class SharedLoginTimes(LoginTimes):
    """Remembers the last login of each user, in whichever worker.

    @param clock: the same in all of them.
    @param times: what they share.
    """

    def __init__(self, clock: IReactorTime, times: SharedTimes) -> None:
        super().__init__(clock)
        self._shared = times

    def logged_in(self, user: str) -> None:
        """See `LoginTimes.logged_in`."""
        self._shared.put(user, self._clock.seconds())

    def _last(self, user: str) -> float | None:
        return self._shared.get(user)
