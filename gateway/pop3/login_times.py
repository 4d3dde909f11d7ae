"""When users logged in last, for LOGIN-DELAY (RFC 2449 section 6.5)."""

from __future__ import annotations

from collections import OrderedDict

from twisted.internet.interfaces import IReactorTime

MOST_USERS = 100_000


class LoginTimes:
    """Remembers the last login of each user, in this process.

    Listeners that count together share one. Anything with these two methods may stand in its
    place: a table that several processes read, say.

    @param clock: the reactor, or a `twisted.internet.task.Clock`.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._times: OrderedDict[str, float] = OrderedDict()

    def seconds_to_wait(self, user: str, delay: float) -> float:
        """Return for how long a user must still wait, 0.0 if not at all.

        @param delay: the least time in seconds from one login to the next.
        """
        last = self._times.get(user)
        return 0.0 if last is None else max(0.0, last + delay - self._clock.seconds())

    def logged_in(self, user: str) -> None:
        """Take note that a user has heard +OK to a login just now."""
        self._times[user] = self._clock.seconds()
        self._times.move_to_end(user)
        while len(self._times) > MOST_USERS:
            self._times.popitem(last=False)
