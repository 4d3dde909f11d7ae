"""Writes to `logins.sqlite` in batches, in a thread, never before an answer to a client."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from gateway.accounts.errors import DatabaseUnavailable
from gateway.accounts.hashing import InThread
from gateway.accounts.logins_file import LoginsFile, Statement, WrongNote, last_login
from gateway.events import Event, EventStream, InternalError, LoginSucceeded, Trouble

_BATCH_SECONDS = 0.2
_QUIET_SECONDS = 60.0
"""A login of the same user, protocol and address is not written again within this time."""
_MOST = 20_000


class LoginNotes:
    """Takes notes, and a reader of events that notes each login.

    @param file: where to.
    @param in_thread: calls a blocking function in another thread.
    @param reactor: the clock.
    @param wrong_seconds: how long a wrong password is kept.
    @param right_seconds: how long a success is kept.
    @param events: where trouble is told.
    """

    def __init__(
        self,
        file: LoginsFile,
        in_thread: InThread,
        reactor: Any,
        *,
        wrong_seconds: float,
        right_seconds: float,
        events: EventStream,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._file = file
        self._in_thread = in_thread
        self._reactor = reactor
        self._wrong_seconds = wrong_seconds
        self._right_seconds = right_seconds
        self._events = events
        self._now = now
        self.pending: list[Statement] = []
        """What is not written yet; what is being written is here, too."""
        self._call: Any = None
        self._writing: Deferred[None] | None = None
        self._noted: dict[tuple[str, str, str], float] = {}

    def __call__(self, event: Event) -> None:
        """Note a login."""
        if not isinstance(event, LoginSucceeded):
            return
        key = (event.user, event.client.protocol, event.client.host)
        now = self._now()
        if now - self._noted.get(key, 0.0) > _QUIET_SECONDS:
            if len(self._noted) >= _MOST:
                self._noted.clear()
            self._noted[key] = now
            self.add(last_login(*key, event.mechanism, now))

    def wrong_pending(self) -> Iterator[WrongNote]:
        """Give the wrong passwords that may not be in the file yet."""
        return (note for note in self.pending if isinstance(note, WrongNote))

    def add(self, statement: Statement) -> None:
        """Have something written soon."""
        self.pending.append(statement)
        if self._call is None and self._writing is None:
            self._call = self._reactor.callLater(_BATCH_SECONDS, self._write)

    def stop(self) -> Deferred[None]:
        """Write what is left."""
        if self._call is not None:
            self._call.cancel()
            self._write()
        writing = self._writing
        return succeed(None) if writing is None else writing

    def _write(self) -> None:
        self._call = None
        batch = tuple(self.pending)
        now = self._now()
        self._writing = self._in_thread(
            self._file.write, batch, now - self._wrong_seconds, now - self._right_seconds
        )
        self._writing.addErrback(self._tell)
        self._writing.addCallback(self._written, len(batch))

    def _written(self, _: object, count: int) -> None:
        del self.pending[:count]
        self._writing = None
        if self.pending:
            self._call = self._reactor.callLater(_BATCH_SECONDS, self._write)

    def _tell(self, failure: Failure) -> None:
        if failure.check(DatabaseUnavailable):
            self._events.emit(Trouble("logins", str(failure.value)))
        else:
            self._events.emit(InternalError("LoginNotes", failure))
