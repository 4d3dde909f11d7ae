"""Group commit: whatever became ready while the last commit ran goes into the next one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.store.interfaces import StoreError
from gateway.store.sqlite.batch import Outcome
from gateway.store.sqlite.jobs import Job, Removal

MOST_JOBS = 256
MOST_OCTETS = 8 * 1024 * 1024
"""What goes into one commit at most, so that the first in it does not wait long for the last."""


class Committer:
    """Takes jobs on the reactor thread and has them written, one batch after the other.

    There is no timer: what comes while nothing is being written is written at the end of the
    reactor's turn, together with all that this turn made ready.

    @param write: writes a batch, in a thread.
    @param in_thread: calls a function with arguments off the reactor thread.
    @param at_end_of_turn: calls a function when all that the reactor has read is handled.
    @param written: called after each batch with the octets that went to the log, and whether
        messages were deleted.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Job]], list[Outcome]],
        in_thread: Callable[..., Deferred[Any]],
        at_end_of_turn: Callable[[Callable[[], None]], object],
        written: Callable[[int, bool], None],
    ) -> None:
        self._write = write
        self._in_thread = in_thread
        self._at_end_of_turn = at_end_of_turn
        self._woken = False
        self._written = written
        self._ready: deque[Job] = deque()
        self._writing = False
        self._exclusive: deque[tuple[Callable[[], object], Deferred[Any]]] = deque()
        self._idle: list[Deferred[None]] = []

    def submit(self, job: Job) -> None:
        """Have a job done; its `answer` fires when it is on stable storage."""
        self._ready.append(job)
        self._wake()

    def between(self, call: Callable[[], object]) -> Deferred[Any]:
        """Call something in a thread while nothing is being written."""
        answer: Deferred[Any] = Deferred()
        self._exclusive.append((call, answer))
        self._wake()
        return answer

    def when_idle(self) -> Deferred[None]:
        """Return a Deferred that fires when all that was asked for is done."""
        idle: Deferred[None] = Deferred()
        if self._writing or self._woken:
            self._idle.append(idle)
        else:
            idle.callback(None)
        return idle

    def _wake(self) -> None:
        if not self._writing and not self._woken:
            self._woken = True
            self._at_end_of_turn(self._begin)

    def _begin(self) -> None:
        self._woken = False
        self._go_on()

    def _go_on(self) -> None:
        if self._exclusive:
            self._writing = True
            call, answer = self._exclusive.popleft()
            self._in_thread(call).addBoth(self._called, answer)
        elif self._ready:
            self._writing = True
            batch = self._next_batch()
            self._in_thread(self._write, batch).addBoth(self._done, batch)
        else:
            idle, self._idle = self._idle, []
            for deferred in idle:
                deferred.callback(None)

    def _next_batch(self) -> list[Job]:
        batch: list[Job] = []
        cost = 0
        while self._ready and len(batch) < MOST_JOBS and cost < MOST_OCTETS:
            job = self._ready.popleft()
            batch.append(job)
            cost += job.cost
        return batch

    def _called(self, result: Any, answer: Deferred[Any]) -> None:
        self._writing = False
        self._go_on()
        answer.callback(result)

    def _done(self, outcomes: list[Outcome] | Failure, batch: list[Job]) -> None:
        """A batch is written: begin the next before its senders are told."""
        self._writing = False
        deleted = any(isinstance(job, Removal) for job in batch)
        self._written(sum(job.cost for job in batch), deleted)
        self._go_on()
        for number, job in enumerate(batch):
            outcome: Any = outcomes if isinstance(outcomes, Failure) else outcomes[number]
            if isinstance(outcome, StoreError | Failure):
                job.answer.errback(outcome)
            else:
                job.answer.callback(outcome)
