"""Deleting messages, inside a transaction that the caller makes. Blocks."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain

from gateway.store.sqlite.rows import chunks, marks


def remove(
    connection: sqlite3.Connection, mailbox: int, messages: Sequence[tuple[int, int]]
) -> None:
    """Delete messages of a mailbox; those that are gone already do not matter.

    Bodies without a further copy go too; their files are noted in `dead_files`.

    @param messages: place and number of each.
    """
    count = octets = 0
    for chunk in chunks(messages):
        where = f"mailbox = ? AND (place, number) IN (VALUES {','.join(['(?,?)'] * len(chunk))})"
        values = (mailbox, *chain.from_iterable(chunk))
        found = connection.execute(
            f"SELECT group_concat(number), count(*), total(octets) FROM messages WHERE {where}",
            values,
        ).fetchone()
        if found[1]:
            connection.execute(f"DELETE FROM messages WHERE {where}", values)
            _forget_copies(connection, [int(number) for number in found[0].split(",")])
            count += found[1]
            octets += int(found[2])
    if count:
        connection.execute("UPDATE store SET change = change + 1")
        connection.execute(
            "UPDATE mailboxes SET messages = messages - ?, octets = octets - ?,"
            " change = (SELECT change FROM store) WHERE id = ?",
            (count, octets, mailbox),
        )


def _forget_copies(connection: sqlite3.Connection, numbers: list[int]) -> None:
    these = f"number IN ({marks(len(numbers))})"
    connection.execute(f"UPDATE bodies SET copies = copies - 1 WHERE {these}", numbers)
    dead = f"number IN (SELECT number FROM bodies WHERE {these} AND copies <= 0)"
    connection.execute(f"DELETE FROM contents WHERE {dead}", numbers)
    connection.execute(f"INSERT INTO dead_files SELECT name FROM files WHERE {dead}", numbers)
    connection.execute(f"DELETE FROM files WHERE {dead}", numbers)
    connection.execute(f"DELETE FROM bodies WHERE {these} AND copies <= 0", numbers)
