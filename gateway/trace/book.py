"""The file that the trace is kept in, DATA/trace.sqlite. Every method blocks.

Any number of gateways write to it, and the `pop3gw` command reads it meanwhile.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from gateway.accounts.sqlite_file import SQLiteFile
from gateway.trace.rows import Copies, Row, mark_of
from gateway.trace.schema import STEPS

DAY_SECONDS = 86_400.0
_TIDY_SECONDS = 600.0
_TIDY_ROWS = 5_000
"""So many old rows are removed at once, for one writer must not hold up the others."""

_ROWS_AT_ONCE = 64
"""Each statement gives up the interpreter's lock, and waits for it behind the reactor thread."""

_EXPIRE = (
    "DELETE FROM {table} WHERE number IN"
    " (SELECT number FROM {table} WHERE at < ? ORDER BY at LIMIT ?)"
)
_COLUMNS = ", ".join(Row._fields)
_COLUMNS_OF_COPIES = ", ".join(Copies._fields)


class TraceBook:
    """Writes and finds happenings. The file is opened when it is first needed.

    All methods raise `gateway.accounts.errors.DatabaseUnavailable` where the file cannot be used.

    @param path: the file; `write` makes it.
    @param days: for how long a happening is kept.
    """

    def __init__(self, path: Path, days: int = 0) -> None:
        self.path = path
        self._days = days
        self._file: SQLiteFile | None = None
        self._tidied_at = 0.0

    def write(self, rows: Sequence[Row | Copies]) -> None:
        """Add rows, all or none, and remove some that are too old."""
        messages = [row for row in rows if isinstance(row, Row)]
        copies = [row for row in rows if isinstance(row, Copies)]
        with self._opened().writing() as connection:
            _insert(connection, f"happenings ({_COLUMNS})", messages)
            _insert(connection, f"copies ({_COLUMNS_OF_COPIES})", copies)
            self._tidy(connection, time.time())

    def _tidy(self, connection: sqlite3.Connection, now: float) -> None:
        """Remove rows that are too old, unless another process has done so of late.

        The first time it is done in any case: the other may keep them for longer.
        """
        if now - self._tidied_at <= _TIDY_SECONDS:
            return
        if self._tidied_at:
            last = connection.execute("SELECT at FROM tidied").fetchone()["at"]
            if 0 <= now - last <= _TIDY_SECONDS:
                self._tidied_at = last
                return
        oldest = (now - self._days * DAY_SECONDS, _TIDY_ROWS)
        removed = [
            connection.execute(_EXPIRE.format(table=table), oldest).rowcount
            for table in ("happenings", "copies")
        ]
        if max(removed) < _TIDY_ROWS:
            self._tidied_at = now
            connection.execute("UPDATE tidied SET at = ?", (now,))

    def close(self) -> None:
        """Close the file. A later call opens it again."""
        if self._file is not None:
            self._file.close()

    def messages_of(self, wanted: str, limit: int) -> list[str]:
        """Return the ids of the messages that are meant, the latest last.

        @param wanted: an id, a Message-ID with or without its angle brackets, or an address.
        @param limit: how many, the latest, where it means several.
        """
        address = wanted.lower()
        message_id = wanted if wanted.startswith("<") else f"<{wanted}>"
        query = (
            "SELECT message, min(at) AS begun FROM happenings WHERE message IS NOT NULL AND"
            " (message = ? OR message_id = ? OR address = ?)"
            " GROUP BY message ORDER BY begun DESC LIMIT ?"
        )
        with self._opened().reading() as connection:
            rows = connection.execute(query, (wanted, message_id, address, limit)).fetchall()
        return [row["message"] for row in reversed(rows)]

    def life_of(self, message: str) -> list[Row]:
        """Return all that happened to a message, in order of time."""
        query = f"SELECT {_COLUMNS} FROM happenings WHERE message = ? ORDER BY number"  # noqa: S608
        with self._opened().reading() as connection:
            rows = [Row(*row) for row in connection.execute(query, (message,))]
            for copy in [row for row in rows if row.uidl is not None]:
                rows += _later(connection, copy.address or "", copy.uidl or "")
        return sorted(rows, key=lambda row: row.at)

    def _opened(self) -> SQLiteFile:
        if self._file is None:
            self._file = SQLiteFile(self.path, STEPS)
        return self._file


def _insert(connection: sqlite3.Connection, into: str, rows: Sequence[tuple[object, ...]]) -> None:
    for at in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows[at : at + _ROWS_AT_ONCE]
        marks = ", ".join([f"({', '.join('?' * len(some[0]))})"] * len(some))
        statement = f"INSERT INTO {into} VALUES {marks}"  # noqa: S608
        connection.execute(statement, tuple(chain.from_iterable(some)))


def _later(connection: sqlite3.Connection, address: str, uidl: str) -> list[Row]:
    """Return what happened to a copy once it was in its mailbox."""
    query = (
        f"SELECT {_COLUMNS_OF_COPIES} FROM copies"  # noqa: S608
        " WHERE address = ? AND instr(uidls, ?) ORDER BY number"
    )
    found = connection.execute(query, (address, mark_of(uidl)))
    return [row for row in (Copies(*one).of(uidl) for one in found) if row is not None]
