"""Bringing the write-ahead log into the database, beside the commits and not inside them.

SQLite begins the log anew only when all of it is in the database. So where the log has grown
large, a checkpoint that ran beside commits is followed by a short one, of what came meanwhile,
between two commits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.events import EventStream, Trouble
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.errors import told_as_store_error
from gateway.store.sqlite.schema import PAGE_OCTETS

EVERY_OCTETS = 8 * 1024 * 1024
"""How much is written to the log between two checkpoints."""
_LARGE_PAGES = 4 * EVERY_OCTETS // PAGE_OCTETS


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
            self._in_thread(self.checkpoint).addCallback(self._ran).addBoth(self._ended)

    def _ran(self, pages: int) -> Deferred[Any] | None:
        if pages < _LARGE_PAGES:
            return None
        # What came meanwhile is little; with it done, the next commit begins the log anew.
        return self._between_commits(self.checkpoint)

    def _ended(self, result: Any) -> None:
        self._running = False
        if isinstance(result, Failure):
            self._events.emit(Trouble(str(self._database.layout.database), str(result.value)))

    def checkpoint(self) -> int:
        """Bring into the database what is in the log now; return how many pages the log had.

        @raise StoreError: it cannot be done.
        """
        with (
            self._database.connection() as connection,
            told_as_store_error("make a checkpoint of", self._database.layout.database),
        ):
            _, pages, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        return int(pages)
