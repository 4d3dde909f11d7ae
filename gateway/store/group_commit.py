"""Group commit: what became ready while the last group was at work goes into the next one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

MOST_JOBS = 128
"""How many jobs are done together at most: the first of them waits for the last."""

Work = Callable[[Sequence[Any]], Deferred[Any]]
"""Does jobs, off the reactor thread. The Deferred fires with a sequence of results, one for each
job in order: an exception for one that failed."""


class GroupCommit:
    """Takes jobs on the reactor thread and has them done, one group after the other.

    There is no timer: a job that comes while nothing is being done is done at once. One thread
    with many jobs costs far less than as many threads with one job each, which spend more time
    on handing the interpreter to each other than on the work.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._waiting: list[tuple[Any, Deferred[Any]]] = []
        self._working = False

    def do(self, job: Any) -> Deferred[Any]:
        """Have a job done; the Deferred fires with its result, or fails."""
        done: Deferred[Any] = Deferred()
        self._waiting.append((job, done))
        if not self._working:
            self._begin()
        return done

    def _begin(self) -> None:
        self._working = True
        group, self._waiting = self._waiting[:MOST_JOBS], self._waiting[MOST_JOBS:]
        jobs = [job for job, _ in group]
        self._work(jobs).addBoth(self._done, [done for _, done in group])

    def _done(self, results: Sequence[Any] | Failure, waiting: list[Deferred[Any]]) -> None:
        """A group is done: begin the next one before anybody is told."""
        self._working = False
        if self._waiting:
            self._begin()
        if isinstance(results, Failure):
            results = [results.value] * len(waiting)
        for done, result in zip(waiting, results, strict=True):
            if isinstance(result, BaseException):
                done.errback(result)
            else:
                done.callback(result)
