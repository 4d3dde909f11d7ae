"""Writes the trace: a reader of events that hands rows to a thread, in batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from gateway.accounts.errors import DatabaseUnavailable
from gateway.events import Event, EventStream, Trouble
from gateway.trace.book import TraceBook
from gateway.trace.gathering import Gathering
from gateway.trace.rows import Copies, Row, is_traced

BATCH_SECONDS = 0.5
"""How long a row may wait for others."""
BATCH_ROWS = 2_000
"""So many rows and copies are written at once, without waiting."""
MOST_WAITING = 50_000
"""Rows and copies that wait while the file cannot be written, about 25 MB; what happens then is
dropped."""
RETRY_SECONDS = 10.0

InThread = Callable[..., Deferred[Any]]


class TraceRecorder:
    """A reader of events. Nothing waits for it: a reply never depends on the trace.

    @param path: the file, made where there is none.
    @param days: for how long a happening is kept.
    @param in_thread: calls a function with arguments off the reactor thread.
    @param clock: tells when a batch is due.
    @param events: where trouble is told, once for each time that it begins.
    """

    def __init__(
        self, path: Path, days: int, in_thread: InThread, clock: IReactorTime, events: EventStream
    ) -> None:
        self._path = path
        self._book = TraceBook(path, days)
        self._in_thread = in_thread
        self._clock = clock
        self._events = events
        self._gathering = Gathering()
        self._handed_over = 0
        self._writing: Deferred[None] | None = None
        self._due: IDelayedCall | None = None
        self._failing = False
        self.dropped = 0
        """Events that found no room while the file could not be written."""

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        if not is_traced(event):
            return
        if len(self._gathering) + self._handed_over >= MOST_WAITING:
            self.dropped += 1
            return
        self._gathering.add(event, time.time())
        if self._writing is None:
            self._schedule()

    def stop(self) -> Deferred[None]:
        """Write what waits, and close the file."""
        if self._writing is not None:
            self._writing.addCallback(lambda _: self._last())
            return self._writing
        return self._last()

    def _schedule(self) -> None:
        if len(self._gathering) >= BATCH_ROWS and not self._failing:
            self._write()
        elif self._due is None:
            seconds = RETRY_SECONDS if self._failing else BATCH_SECONDS
            self._due = self._clock.callLater(seconds, self._write)

    def _write(self) -> None:
        self._cancel()
        self._writing = self._hand_over()
        self._writing.addCallback(self._done)

    def _hand_over(self) -> Deferred[None]:
        """Have all waiting rows written. The Deferred never fails."""
        self._handed_over = len(self._gathering)
        rows = self._gathering.take()
        written = self._in_thread(self._book.write, rows)
        return written.addCallbacks(self._written, self._failed, errbackArgs=(rows,))

    def _done(self, _: None) -> None:
        self._writing = None
        self._handed_over = 0
        if self._gathering:
            self._schedule()

    def _written(self, _: object) -> None:
        self._failing = False

    def _failed(self, failure: Failure, rows: Sequence[Row | Copies]) -> None:
        failure.trap(DatabaseUnavailable)
        self._gathering.put_back(rows, self._handed_over)
        if not self._failing:
            self._failing = True
            self._events.emit(Trouble(str(self._path), f"no trace for now: {failure.value}"))

    def _last(self) -> Deferred[None]:
        self._cancel()
        last = self._hand_over() if self._gathering else succeed(None)
        return last.addCallback(lambda _: self._in_thread(self._book.close))

    def _cancel(self) -> None:
        if self._due is not None and self._due.active():
            self._due.cancel()
        self._due = None
