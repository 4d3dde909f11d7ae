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
from gateway.trace.rows import Row
from gateway.trace.schema import STEPS

DAY_SECONDS = 86_400.0
_TIDY_SECONDS = 600.0
_TIDY_ROWS = 5_000
"""So many old rows are removed at once, for one writer must not hold up the others."""

_COLUMNS = ", ".join(Row._fields)
_ROW = f"({', '.join('?' * len(Row._fields))})"
_AT_ONCE = 64
"""Rows of one statement. Each statement gives up the interpreter's lock and waits for it again,
which costs as much as many rows; SQLite takes at least 999 values."""
_INSERT = f"INSERT INTO happenings ({_COLUMNS}) VALUES {_ROW}"  # noqa: S608
_INSERT_MANY = f"{_INSERT}{f', {_ROW}' * (_AT_ONCE - 1)}"
_EXPIRE = (
    "DELETE FROM happenings WHERE number IN"
    " (SELECT number FROM happenings WHERE at < ? ORDER BY at LIMIT ?)"
)
_SELECT = f"SELECT {_COLUMNS} FROM happenings"  # noqa: S608


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

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows, all or none, and remove some that are too old."""
        now = time.time()
        with self._opened().writing() as connection:
            many = len(rows) - len(rows) % _AT_ONCE
            for start in range(0, many, _AT_ONCE):
                values = chain.from_iterable(rows[start : start + _AT_ONCE])
                connection.execute(_INSERT_MANY, tuple(values))
            connection.executemany(_INSERT, rows[many:])
            if now - self._tidied_at > _TIDY_SECONDS:
                horizon = now - self._days * DAY_SECONDS
                removed = connection.execute(_EXPIRE, (horizon, _TIDY_ROWS)).rowcount
                if removed < _TIDY_ROWS:
                    self._tidied_at = now

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
        later = f"{_SELECT} WHERE address = ? AND uidl = ? AND message IS NULL"
        with self._opened().reading() as connection:
            rows = _rows(connection, f"{_SELECT} WHERE message = ?", message)
            for copy in [row for row in rows if row.uidl is not None]:
                rows += _rows(connection, later, copy.address, copy.uidl)
        return sorted(rows, key=lambda row: row.at)

    def _opened(self) -> SQLiteFile:
        if self._file is None:
            self._file = SQLiteFile(self.path, STEPS)
        return self._file


def _rows(connection: sqlite3.Connection, query: str, *values: str | None) -> list[Row]:
    return [Row(*row) for row in connection.execute(f"{query} ORDER BY number", values)]
