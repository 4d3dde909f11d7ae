"""Deleting messages, inside a transaction that the caller makes. Blocks.

The copies of many messages are gone at once; the room that their bodies took is given back a
portion at a time, in transactions of their own, so that nobody who delivers waits for it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from gateway.store.sqlite.rows import MOST_ROWS, marks
from gateway.store.sqlite.selection import Run, conditions


def remove(connection: sqlite3.Connection, mailbox: int, runs: Iterable[Run]) -> None:
    """Delete messages of a mailbox; those that are gone already do not matter.

    Bodies without a further copy go too, a few at once; many are left to `reclaim`.
    """
    count = octets = 0
    for where, values in conditions(connection, mailbox, runs):
        found = connection.execute(
            f"SELECT count(*), total(octets) FROM messages WHERE {where}", values
        ).fetchone()
        if found[0]:
            these = f"number IN (SELECT number FROM messages WHERE {where})"
            connection.execute(f"UPDATE bodies SET copies = copies - 1 WHERE {these}", values)
            connection.execute(f"DELETE FROM messages WHERE {where}", values)
            count += found[0]
            octets += int(found[1])
    if count:
        connection.execute("UPDATE store SET change = change + 1")
        connection.execute(
            "UPDATE mailboxes SET messages = messages - ?, octets = octets - ?,"
            " change = (SELECT change FROM store) WHERE id = ?",
            (count, octets, mailbox),
        )
    if count <= MOST_ROWS:
        reclaim(connection)


def reclaim(connection: sqlite3.Connection) -> bool:
    """Remove bodies of which no copy is left; their files are noted in `dead_files`.

    @return: whether there may be more.
    """
    query = f"SELECT number FROM bodies WHERE copies <= 0 LIMIT {MOST_ROWS}"
    numbers = [number for (number,) in connection.execute(query)]
    if numbers:
        _reclaim(connection, numbers)
    return len(numbers) == MOST_ROWS


def _reclaim(connection: sqlite3.Connection, numbers: Sequence[int]) -> None:
    these = f"number IN ({marks(len(numbers))})"
    connection.execute(f"DELETE FROM contents WHERE {these}", numbers)
    connection.execute(f"INSERT INTO dead_files SELECT name FROM files WHERE {these}", numbers)
    connection.execute(f"DELETE FROM files WHERE {these}", numbers)
    connection.execute(f"DELETE FROM bodies WHERE {these}", numbers)
