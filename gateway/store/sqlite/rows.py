"""Many rows in few statements.

Each step of a statement gives up the interpreter's lock and has to take it back, which a busy
reactor thread can delay by milliseconds. So rows go by the hundred.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, TypeVar

MOST_ROWS = 128
"""A power of two; of 7 values each, these are within every SQLite's bound of 999 variables."""
STATEMENTS = 512
"""How many statements a connection keeps, so that each is made but once."""
_EXACT = 32
"""So many rows or fewer go in one statement, whatever their number."""

Row = TypeVar("Row")


def chunks(rows: Sequence[Row], most: int = MOST_ROWS) -> Iterator[Sequence[Row]]:
    """Split rows into few runs, whose lengths are so few that their statements can be kept."""
    at, length = 0, most
    while at < len(rows):
        left = len(rows) - at
        while length > left:
            length = left if left <= _EXACT else length // 2
        yield rows[at : at + length]
        at += length


def insert(
    connection: sqlite3.Connection, head: str, rows: Sequence[tuple[Any, ...]], tail: str = ""
) -> None:
    """Run `head VALUES (...), (...) tail` for all rows, which have the same length."""
    for chunk in chunks(rows):
        marks = ",".join(["(" + ",".join("?" * len(chunk[0])) + ")"] * len(chunk))
        connection.execute(f"{head} VALUES {marks} {tail}", tuple(chain.from_iterable(chunk)))


def marks(count: int) -> str:
    """Return "?,?,?" for so many values."""
    return ",".join("?" * count)
