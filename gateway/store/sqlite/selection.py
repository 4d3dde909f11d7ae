"""Which messages of a mailbox a statement is about: conditions that SQLite finds by its index."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from gateway.store.sqlite.rows import chunks, marks

Key = tuple[int, int]
"""Place and number of a message."""
Run = Sequence[Key]
"""Messages that followed each other in the mailbox when it was listed."""
Condition = tuple[str, tuple[int, ...]]
"""An SQL condition on `messages`, and its values."""

_LONG = 32
_RANGE = "mailbox = ? AND (place, number) >= (?, ?) AND (place, number) <= (?, ?)"
_NUMBERS = (
    "SELECT group_concat(number) FROM"
    f" (SELECT number FROM messages WHERE {_RANGE} ORDER BY place, number)"
)


def conditions(
    connection: sqlite3.Connection, mailbox: int, runs: Iterable[Run]
) -> Iterator[Condition]:
    """Yield conditions that together mean these messages and no other, and are few.

    A long run is one range, if nothing has come between its messages and none of them is gone.
    """
    scattered: list[Key] = []
    for run in runs:
        if len(run) >= _LONG and _is_whole(connection, mailbox, run):
            yield _RANGE, (mailbox, *run[0], *run[-1])
        else:
            scattered += run
    for chunk in chunks(scattered):
        places, pairs = marks(len(chunk)), ",".join(["(?,?)"] * len(chunk))
        yield (
            f"mailbox = ? AND place IN ({places}) AND (place, number) IN (VALUES {pairs})",
            (mailbox, *(place for place, _ in chunk), *chain.from_iterable(chunk)),
        )


def _is_whole(connection: sqlite3.Connection, mailbox: int, run: Run) -> bool:
    (there,) = connection.execute(_NUMBERS, (mailbox, *run[0], *run[-1])).fetchone()
    return bool(there == ",".join([str(number) for _, number in run]))
