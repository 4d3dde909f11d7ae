"""The database file: how it is made, opened and shared by threads. Blocks, but for `quick`."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.store.interfaces import StoreError
from gateway.store.sqlite.creation import create, ready_to_open
from gateway.store.sqlite.errors import told_as_store_error
from gateway.store.sqlite.layout import Layout
from gateway.store.sqlite.migration import migrate
from gateway.store.sqlite.rows import STATEMENTS

BUSY_SECONDS = 15.0
"""How long to wait for another process that is writing."""
_JOURNAL_OCTETS = 64 * 1024 * 1024
"""The write-ahead log is cut back to this once all of it is in the database."""


def connect(layout: Layout, busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
    """Open a connection to a database that is there. Raises `sqlite3.Error`.

    Every commit is on stable storage when it returns; checkpoints are made by `checkpoints` only.
    """
    connection = sqlite3.connect(
        layout.database,
        timeout=busy_seconds,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENTS,
    )
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA secure_delete = FAST")
        connection.execute("PRAGMA cache_size = -16000")
        connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_OCTETS}")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run a block as one transaction: durable when it ends, undone when it raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.rollback()
        raise


class Database:
    """The database of a store. Opened when it is first needed, and tried again after a failure."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._lock = threading.Lock()
        self._is_open = False
        self._closed = False
        self._idle: list[sqlite3.Connection] = []
        self._quick: sqlite3.Connection | None = None
        self._writer: sqlite3.Connection | None = None

    def open(self) -> None:
        """Make the database if there is none yet, bring it up to date. Raises `StoreError`."""
        with self._lock:
            if self._is_open:
                return
            if self._closed:
                raise StoreError(f"{self.layout.folder} was closed")
            with told_as_store_error("open", self.layout.database):
                if not ready_to_open(self.layout):
                    create(self.layout)
                connection = connect(self.layout)
                try:
                    migrate(self.layout, connection)
                    self._quick = connect(self.layout, busy_seconds=0)
                except BaseException:
                    connection.close()
                    raise
            self._writer = connection
            self._is_open = True

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """Give a connection to the block, for its use alone. Raises `StoreError`."""
        if not self._is_open:
            self.open()
        connection = self._take()
        try:
            yield connection
        finally:
            if connection.in_transaction:
                connection.rollback()
            self._give_back(connection)

    @contextmanager
    def writer(self) -> Iterator[sqlite3.Connection]:
        """Give the connection that delivers, whose cache is warm, to its only user.

        @raise StoreError: the database cannot be opened.
        """
        self.open()
        connection = self._writer
        assert connection is not None
        try:
            yield connection
        finally:
            if connection.in_transaction:
                connection.rollback()

    @property
    def quick(self) -> sqlite3.Connection | None:
        """The connection of the reactor thread, which never waits; None while it is not open."""
        return self._quick

    def close(self) -> None:
        """Close all connections; the last one of all processes brings the log into the database."""
        with self._lock:
            self._is_open = False
            self._closed = True
            idle, self._idle = self._idle, []
            for connection in (*idle, self._quick, self._writer):
                if connection is not None:
                    connection.close()
            self._quick = self._writer = None

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        with told_as_store_error("open", self.layout.database):
            return connect(self.layout)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if self._is_open:
                self._idle.append(connection)
                return
        connection.close()
