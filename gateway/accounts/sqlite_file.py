"""One SQLite file, shared by threads and processes: its creation, its connections, its version."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakSet

from twisted.internet.interfaces import IReactorTime
from twisted.python.threadable import isInIOThread

from gateway.accounts.errors import DatabaseUnavailable
from gateway.sql_script import statements

_NOT_ALLOWED = "; it and its folder must be writable for whoever runs this"
_DAMAGED = "; restore it from a backup"
_REMEDIES = {
    sqlite3.SQLITE_BUSY: "; another program has held it for too long: try again",
    sqlite3.SQLITE_CANTOPEN: _NOT_ALLOWED,
    sqlite3.SQLITE_READONLY: _NOT_ALLOWED,
    sqlite3.SQLITE_FULL: "; make room on its disk",
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}
"""What to do, by SQLite's primary result codes."""


Version = tuple[int, int, int]
"""Two that are the same: what can be read is the same. Only to be compared, in one thread."""


class SQLiteFile:
    """A database file in WAL mode with full durability, one connection for each thread.

    Each method may block; a read of an indexed row takes tens of microseconds, and writers do not
    hold it up (WAL). What one process commits, every other sees at its next read. The file is made
    readable by its owner only, and belongs to the owner of its folder where root makes it; SQLite
    gives the same owner and mode to the files it puts beside it.

    @param path: the file; it and its folder are made where they are missing.
    @param steps: SQL scripts, of which number N brings a database of version N to version N + 1.
    @param busy_seconds: how long to wait for another process that is writing.
    @param reactor: see `version`.
    """

    def __init__(
        self,
        path: Path,
        steps: Sequence[str],
        busy_seconds: float = 15.0,
        reactor: IReactorTime | None = None,
    ) -> None:
        self.path = path
        self._steps = steps
        self._busy_seconds = busy_seconds
        self._lock = threading.Lock()
        self._local = threading.local()
        self._writes = 0
        self._reactor = reactor
        self._this_turn: Version | None = None
        self._opened: list[sqlite3.Connection] = []
        self._inherited: list[sqlite3.Connection] = []
        _FILES.add(self)
        with self._explained():
            self._create()
            self._enable_wal()
            self._migrate()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the calling thread's connection, for reading.

        @raise DatabaseUnavailable: for whatever SQLite or the operating system has against it.
        """
        with self._explained():
            yield self._connection()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Run a block as one transaction: durable when the block ends, undone when it raises.

        @raise DatabaseUnavailable: for whatever SQLite or the operating system has against it.
        """
        with self._explained():
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise
            finally:
                self._writes += 1

    def version(self) -> Version:
        """Return what changes with every write, in whatever thread or process.

        In the thread of the reactor, what other processes write is looked for once in each of its
        turns: what it handles in one turn, it had before the turn began. Our own writes count at
        once.

        @raise DatabaseUnavailable: for whatever SQLite or the operating system has against it.
        """
        if self._reactor is None or not isInIOThread():
            return self._look()
        known = self._this_turn
        if known is None:
            known = self._look()
            self._reactor.callLater(0, self._end_turn)
        elif known[2] != self._writes:
            known = self._look()
        self._this_turn = known
        return known

    def _end_turn(self) -> None:
        self._this_turn = None

    def _look(self) -> Version:
        try:
            connection = self._connection()
            # Counts what other connections commit; this one may have written itself.
            (others,) = connection.execute("PRAGMA data_version").fetchone()
        except (sqlite3.Error, OSError) as error:
            raise self._explanation(error) from error
        return id(connection), others, self._writes

    def close(self) -> None:
        """Close the connections of all threads. A later call opens new ones."""
        with self._lock:
            for connection in self._opened:
                connection.close()
            self._opened.clear()
            self._local = threading.local()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            self._local.connection = connection
        return connection

    def leave_to_parent(self) -> None:
        """Let go of the connections, in a process that was just forked.

        They must not be used, nor even closed there (twistd forks to daemonize): closing them
        would drop the parent's locks on the file.
        """
        self._lock = threading.Lock()
        self._inherited += self._opened
        self._opened.clear()
        self._local = threading.local()
        self._this_turn = None

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=self._busy_seconds, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        with self._lock:
            self._opened.append(connection)
        return connection

    def _create(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            descriptor = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            return
        try:
            if os.geteuid() == 0:
                owner = self.path.parent.stat()
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
        finally:
            os.close(descriptor)

    def _enable_wal(self) -> None:
        # Not covered by SQLite's busy timeout: two processes may meet here at the first start.
        connection = self._connection()
        deadline = time.monotonic() + self._busy_seconds
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.01)

    def _version(self) -> int:
        return int(self._connection().execute("PRAGMA user_version").fetchone()[0])

    def _migrate(self) -> None:
        if self._version() == len(self._steps):
            return
        with self.writing() as connection:
            version = self._version()
            if version > len(self._steps):
                raise DatabaseUnavailable(
                    f"{self.path} was written by a newer release (version {version} of its tables; "
                    f"this one knows {len(self._steps)}): use that release, or restore a copy "
                    "made before the upgrade"
                )
            for number, step in enumerate(self._steps[version:], version + 1):
                for statement in statements(step):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise self._explanation(error) from error

    def _explanation(self, error: sqlite3.Error | OSError) -> DatabaseUnavailable:
        if isinstance(error, OSError):
            return DatabaseUnavailable(f"cannot use {self.path}: {error.strerror}")
        remedy = _REMEDIES.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, "")
        return DatabaseUnavailable(f"cannot use {self.path}: {error}{remedy}")


_FILES: WeakSet[SQLiteFile] = WeakSet()


def _forked() -> None:
    for file in _FILES:
        file.leave_to_parent()


os.register_at_fork(after_in_child=_forked)
