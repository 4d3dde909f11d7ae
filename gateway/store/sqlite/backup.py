"""A copy of a store, made while mail flows; a later one copies only what is new or changed. Blocks.

The copy is a store itself: the same tables, the same folder of large bodies. Its row in `store`
says how far it goes: bodies from `next_number` on are new to it, and so are the mailboxes whose
`change` is beyond its own.

Bodies never change, so they are copied first, in many short transactions: one long one would keep
the write-ahead log of the store from being used again. Until the last transaction, which copies the
lists of messages as they are in that instant, the new bodies have no copies, and count for nothing.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from secrets import token_hex

from gateway.files import sync_file, sync_folder
from gateway.store.folders import make_folder
from gateway.store.interfaces import StoreError
from gateway.store.sqlite.creation import MARK, fill
from gateway.store.sqlite.database import connect
from gateway.store.sqlite.layout import Layout
from gateway.store.sqlite.migration import migrate

_BODIES_AT_ONCE = 500
_TABLES = {"bodies": "number, octets, 0, digest", "contents": "*", "files": "*"}
"""What lies of a body in which table, and what is copied of it at first."""
_ALIVE = "number NOT IN (SELECT number FROM main.bodies WHERE copies <= 0)"
"""Of bodies: a copy of them is left."""


@dataclass
class Copied:
    """What one run copied."""

    messages: int = 0
    files: int = 0
    octets: int = 0
    """Of the bodies."""
    mailboxes: int = 0
    """Whose lists were changed."""


class Backup:
    """One run of a backup.

    @param source: the store.
    @param target: where the copy is, or is to be.
    @raise StoreError: there is another store's copy, or one of a later state.
    """

    def __init__(self, source: Layout, target: Layout) -> None:
        self._source = source
        self._target = target
        self._copied = Copied()

    @contextmanager
    def opened(self) -> Iterator[Backup]:
        """Keep the files of the store for the block. Raises `sqlite3.Error`, `OSError`."""
        self._make_target()
        keep = os.open(self._source.keep_files, os.O_RDONLY | os.O_CREAT, 0o600)
        try:
            fcntl.flock(keep, fcntl.LOCK_SH)
            with closing(connect(self._source)) as connection:
                self._connection = connection
                connection.execute("ATTACH ? AS backup", (str(self._target.database),))
                connection.execute("PRAGMA backup.synchronous = FULL")
                try:
                    connection.execute("BEGIN")
                    self._look()
                    leftovers = drop_leftovers(connection, "backup")
                    connection.execute("COMMIT")
                    self._remove_files(leftovers)
                    yield self
                finally:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
        finally:
            os.close(keep)

    @property
    def bodies(self) -> int:
        """How many bodies are to be copied."""
        query = f"SELECT count(*) FROM main.bodies WHERE number >= ? AND {_ALIVE}"
        return int(self._connection.execute(query, (self._from_number,)).fetchone()[0])

    def run(self, advance: Callable[[], object]) -> Copied:
        """Copy what is new, durably. The copy changes at the very end, or not at all.

        @param advance: called for each body.
        """
        last = self._from_number - 1
        going_on = True
        while going_on:
            before = last
            self._connection.execute("BEGIN")
            last = self._copy_bodies(last, advance)
            going_on = last > before
            if going_on:
                self._connection.execute("COMMIT")
        # Nothing is new since this transaction began, and so all is of one instant.
        dead_files = self._copy_mailboxes()
        for table in ("epochs", "store"):
            self._connection.execute(f"DELETE FROM backup.{table}")
            self._connection.execute(f"INSERT INTO backup.{table} SELECT * FROM main.{table}")
        self._connection.execute("COMMIT")
        self._remove_files(dead_files)
        return self._copied

    def _remove_files(self, names: Sequence[str]) -> None:
        for name in names:
            self._target.large_file(name).unlink(missing_ok=True)

    def _make_target(self) -> None:
        for folder in (self._target.folder, self._target.large):
            make_folder(folder)
        database = self._target.database
        if database.exists():
            with closing(connect(self._target)) as connection:
                migrate(self._target, connection)
                connection.execute("PRAGMA journal_mode = DELETE").fetchall()
            return
        new = database.with_name(f"{database.name}.{token_hex(4)}")
        with closing(sqlite3.connect(new, isolation_level=None)) as connection:
            fill(connection, first_number=1)
            connection.execute("DELETE FROM epochs")
            connection.execute("PRAGMA journal_mode = DELETE").fetchall()
        new.chmod(0o600)
        new.rename(database)
        self._target.marker.write_bytes(MARK)
        sync_folder(self._target.folder)

    def _look(self) -> None:
        """Find out from where on to copy."""
        execute = self._connection.execute
        state = "SELECT next_number, change FROM {}.store"
        number, change = execute(state.format("main")).fetchone()
        self._from_number, self._from_change = execute(state.format("backup")).fetchone()
        names = "SELECT id, name, first_number, first_change FROM {}.epochs ORDER BY id"
        ours = execute(names.format("main")).fetchall()
        theirs = execute(names.format("backup")).fetchall()
        if ours[: len(theirs)] != theirs:
            raise StoreError(f"{self._target.folder} holds the backup of another store")
        # A restored store knows what the backup held then, and nothing that came into it later.
        later = [*((row[2], row[3]) for row in ours[len(theirs) :]), (number, change)]
        if any(n < self._from_number or c < self._from_change for n, c in later):
            raise StoreError(
                f"{self._target.folder} holds a later state of this store than the store itself"
            )

    def _copy_bodies(self, last: int, advance: Callable[[], object]) -> int:
        """Copy some of the bodies after number `last`; return the number of the last one copied."""
        execute = self._connection.execute
        query = (
            f"SELECT number, octets FROM main.bodies WHERE number > ? AND {_ALIVE}"
            " ORDER BY number LIMIT ?"
        )
        rows = execute(query, (last, _BODIES_AT_ONCE)).fetchall()
        if not rows:
            return last
        these = (rows[0][0], rows[-1][0])
        between = f"WHERE number BETWEEN ? AND ? AND {_ALIVE}"
        for (name,) in execute(f"SELECT name FROM main.files {between}", these).fetchall():
            self._copy_file(name)
        for table, columns in _TABLES.items():
            execute(
                f"INSERT INTO backup.{table} SELECT {columns} FROM main.{table} {between}", these
            )
        for _, octets in rows:
            self._copied.messages += 1
            self._copied.octets += octets
            advance()
        return these[1]

    def _copy_file(self, name: str) -> None:
        target = self._target.large_file(name)
        make_folder(target.parent)
        new = target.with_name(f"{name}.new")
        shutil.copyfile(self._source.large_file(name), new)
        new.chmod(0o600)
        sync_file(new)
        new.rename(target)
        sync_folder(target.parent)
        self._copied.files += 1

    def _copy_mailboxes(self) -> list[str]:
        """Bring the lists of messages up to date; return files that no message names any more."""
        execute = self._connection.execute
        execute("CREATE TEMP TABLE gone (number INTEGER PRIMARY KEY)")
        query = "SELECT id FROM main.mailboxes WHERE change > ?"
        for (mailbox,) in execute(query, (self._from_change,)).fetchall():
            one = (mailbox,)
            execute(
                "INSERT OR IGNORE INTO gone SELECT number FROM backup.messages WHERE mailbox = ?1"
                " EXCEPT SELECT number FROM main.messages WHERE mailbox = ?1",
                one,
            )
            execute("DELETE FROM backup.messages WHERE mailbox = ?", one)
            execute("DELETE FROM backup.mailboxes WHERE id = ?", one)
            execute("INSERT INTO backup.mailboxes SELECT * FROM main.mailboxes WHERE id = ?", one)
            execute(
                "INSERT INTO backup.messages SELECT * FROM main.messages WHERE mailbox = ?", one
            )
            self._copied.mailboxes += 1
        return self._drop_bodies()

    def _drop_bodies(self) -> list[str]:
        execute = self._connection.execute
        execute(
            "UPDATE backup.bodies SET copies = coalesce((SELECT copies FROM main.bodies m"
            " WHERE m.number = backup.bodies.number), 0)"
            " WHERE number >= ? OR number IN (SELECT number FROM gone)",
            (self._from_number,),
        )
        dead = "number IN (SELECT number FROM backup.bodies WHERE copies <= 0)"
        names = [name for (name,) in execute(f"SELECT name FROM backup.files WHERE {dead}")]
        for table in reversed(_TABLES):
            execute(f"DELETE FROM backup.{table} WHERE {dead}")
        return names


def drop_leftovers(connection: sqlite3.Connection, schema: str = "main") -> list[str]:
    """Delete the bodies that a run which was broken off has copied; return the names of files.

    Within a transaction of the caller's.
    """
    these = f"number >= (SELECT next_number FROM {schema}.store)"
    names = [row[0] for row in connection.execute(f"SELECT name FROM {schema}.files WHERE {these}")]
    for table in reversed(_TABLES):
        connection.execute(f"DELETE FROM {schema}.{table} WHERE {these}")
    return names
