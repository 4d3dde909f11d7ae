"""Bodies too large for the database: each a file, written once and named by its row. Blocks.

While it arrives a file lies in the folder of its process; when it is complete and on stable
storage it gets a second name in large/, and loses the first when its row is committed. So what a
process that died leaves in its folder says which names in large/ may be without a row.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

from gateway.files import sync_folder
from gateway.store.folders import make_folder
from gateway.store.process_folder import ProcessFolder
from gateway.store.sqlite.database import Database, transaction
from gateway.store.sqlite.errors import told_as_store_error
from gateway.store.sqlite.removal import reclaim
from gateway.store.sqlite.rows import MOST_ROWS, marks

_DEAD_BODIES = "SELECT 1 FROM bodies WHERE copies <= 0"


class LargeFiles:
    """The large bodies of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._layout = database.layout
        self._folder = ProcessFolder(self._layout.arriving, self._clean_up)
        self._started = False

    def start(self) -> None:
        """Remove what dead processes left. The database is open. Raises `StoreError`."""
        with told_as_store_error("use", self._layout.arriving):
            self._folder.start()
            self._started = True

    def stop(self) -> None:
        """Remove the folder of this process."""
        self._folder.stop()

    def create(self) -> ArrivingFile:
        """Begin a file. Raises `OSError`, or `StoreError`."""
        if not self._started:
            self._database.open()
            self.start()
        name = token_hex(16)
        try:
            return ArrivingFile(self._folder.path / name, self._layout.large_file(name))
        except FileNotFoundError:
            # Somebody cleaned up under our feet.
            self.start()
            return ArrivingFile(self._folder.path / name, self._layout.large_file(name))

    def are_dead(self) -> bool:
        """Say whether there are bodies, or files, for `sweep` to remove. Raises `StoreError`."""
        with (
            self._database.connection() as connection,
            told_as_store_error("read", self._layout.database),
        ):
            query = f"SELECT EXISTS ({_DEAD_BODIES}) OR EXISTS (SELECT 1 FROM dead_files)"
            return bool(connection.execute(query).fetchone()[0])

    def sweep(self) -> bool:
        """Remove some of the bodies, and files, whose last copy was deleted. One call at a time.

        Files stay while a backup needs them.

        @return: whether there may be more.
        @raise StoreError: it cannot be done.
        """
        with (
            self._database.connection() as connection,
            told_as_store_error("remove deleted mail from", self._layout.large),
        ):
            more = self._reclaim(connection)
            query = f"SELECT name FROM dead_files LIMIT {MOST_ROWS}"
            names = [name for (name,) in connection.execute(query)]
            if not names or not self._remove(names):
                return more
            with transaction(connection):
                these = f"name IN ({marks(len(names))})"
                connection.execute(f"DELETE FROM dead_files WHERE {these}", names)
            return more or len(names) == MOST_ROWS

    @staticmethod
    def _reclaim(connection: sqlite3.Connection) -> bool:
        query = f"SELECT EXISTS ({_DEAD_BODIES})"
        if not connection.execute(query).fetchone()[0]:
            return False
        with transaction(connection):
            return reclaim(connection)

    def _remove(self, names: Sequence[str]) -> bool:
        descriptor = os.open(self._layout.keep_files, os.O_RDONLY | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for name in names:
                self._layout.large_file(name).unlink(missing_ok=True)
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)
        return True

    def _clean_up(self, folder: Path) -> None:
        """Remove the files that a dead process has linked without having committed their row."""
        names = [path.name for path in folder.iterdir() if not path.name.startswith(".")]
        with self._database.connection() as connection:
            for name in names:
                query = "SELECT 1 FROM files WHERE name = ?"
                if connection.execute(query, (name,)).fetchone() is None:
                    self._layout.large_file(name).unlink(missing_ok=True)


class ArrivingFile:
    """A body on its way in. One call at a time."""

    def __init__(self, path: Path, place: Path) -> None:
        self._path = path
        self._place = place
        self._digest = sha256()
        self._end = b""
        self.octets = 0
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)

    @property
    def name(self) -> str:
        """What its row calls it."""
        return self._path.name

    @property
    def digest(self) -> bytes:
        """The SHA-256 of what was written."""
        return self._digest.digest()

    def write(self, octets: bytes) -> None:
        """Append octets. Raises `OSError`."""
        rest = memoryview(octets)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        self._digest.update(octets)
        self.octets += len(octets)
        self._end = (self._end + octets[-2:])[-2:]

    def finish(self) -> None:
        """End the last line, and put the file where its row will say, durably. Raises `OSError`."""
        if self._end != b"\r\n":
            self.write(b"\r\n")
        os.fsync(self._descriptor)
        os.close(self._descriptor)
        self._descriptor = -1
        make_folder(self._place.parent)
        os.link(self._path, self._place)
        sync_folder(self._place.parent)

    def accept(self) -> None:
        """Its row is committed. Never raises."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError:
            # The first name goes when the next process starts.
            return

    def discard(self) -> None:
        """It will have no row. Raises `OSError`."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self._place.unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)
