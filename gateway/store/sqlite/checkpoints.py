"""Bringing the write-ahead log into the database, beside the commits and not inside them.

SQLite syncs the database, and begins the log anew, only when all of the log is in the database. So
a checkpoint that ran beside commits is followed by a short one, of what came meanwhile, between two
commits. It comes so often that the sync has little to write: it holds up a commit for some 4 ms; at
every 32 MiB it were 25. And a log that is written over and over need not be given blocks.

Where several processes write, one of them makes a checkpoint at a time. It keeps the others from
committing during the short one; without that the log of two that are busy would never end.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.events import EventStream, Trouble
from gateway.store.sqlite.database import Database, transaction
from gateway.store.sqlite.errors import told_as_store_error

EVERY_OCTETS = 4 * 1024 * 1024
"""How much is written to the log between two checkpoints."""
_PAUSE_SECONDS = 0.005
_TRIES = 400
"""So often it is looked whether another process, which began meanwhile, is through."""


class Checkpoints:
    """Decides when a checkpoint is due, and has it made.

    @param between_commits: calls a function in a thread while nothing is being committed.
    """

    def __init__(
        self,
        database: Database,
        in_thread: Callable[..., Deferred[Any]],
        between_commits: Callable[[Callable[[], object]], Deferred[Any]],
        events: EventStream,
    ) -> None:
        self._database = database
        self._in_thread = in_thread
        self._between_commits = between_commits
        self._events = events
        self._octets = 0
        self._running = False

    def written(self, octets: int) -> None:
        """So many octets went to the log. On the reactor thread."""
        self._octets += octets
        if self._octets >= EVERY_OCTETS and not self._running:
            self._octets = 0
            self._running = True
            beside = self._in_thread(self.checkpoint)
            beside.addCallback(self._go_on)
            beside.addBoth(self._ended)

    def _go_on(self, made: bool) -> Deferred[Any] | None:
        return self._between_commits(self.finish) if made else None

    def _ended(self, result: Any) -> None:
        self._running = False
        if isinstance(result, Failure):
            self._events.emit(Trouble(str(self._database.layout.database), str(result.value)))

    def checkpoint(self) -> bool:
        """Bring into the database what is in the log now.

        @return: False where another process is doing it.
        @raise StoreError: it cannot be done.
        """
        with (
            self._database.connection() as connection,
            told_as_store_error("make a checkpoint of", self._database.layout.database),
        ):
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        return not busy

    def finish(self) -> None:
        """Bring all of the log into the database, while no process commits.

        @raise StoreError: it cannot be done.
        """
        with (
            self._database.connection() as connection,
            told_as_store_error("make a checkpoint of", self._database.layout.database),
            transaction(connection),
        ):
            tries = _TRIES
            while not self.checkpoint() and tries:
                tries -= 1
                time.sleep(_PAUSE_SECONDS)
