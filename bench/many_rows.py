"""Ten million messages in the embedded store within a minute: rows that a few statements make.

What is added is like the first message of all, and has its octets, once for all mailboxes.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

_NUMBERS = "WITH RECURSIVE more (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM more WHERE n < :more) "
_STATEMENTS = (
    "INSERT INTO bodies (number, octets, copies, digest)"
    f" {_NUMBERS} SELECT :number + n, octets, :mailboxes, digest FROM more, bodies"
    " WHERE number = :first",
    "INSERT INTO contents (number, content)"
    f" {_NUMBERS} SELECT :number + n, content FROM more, contents WHERE number = :first",
    "INSERT INTO messages (mailbox, place, number, octets, arrived, flags)"
    f" {_NUMBERS} SELECT id, :place + n, :number + n, :octets, :place + n, 0"
    " FROM mailboxes, more WHERE address IN (SELECT value FROM json_each(:addresses))",
    "UPDATE store SET next_number = next_number + :more, last_place = last_place + :more,"
    " change = change + 1",
    "UPDATE mailboxes SET messages = messages + :more, octets = octets + :more * :octets,"
    " change = (SELECT change FROM store)"
    " WHERE address IN (SELECT value FROM json_each(:addresses))",
)


def add(data: Path, addresses: Sequence[str], more: int) -> None:
    """Give mailboxes that have messages so many more."""
    with closing(sqlite3.connect(data / "sqlite" / "mail.sqlite")) as connection, connection:
        connection.execute("BEGIN IMMEDIATE")
        number, place = connection.execute(
            "SELECT next_number - 1, last_place FROM store"
        ).fetchone()
        first, octets = connection.execute(
            "SELECT number, octets FROM bodies ORDER BY number"
        ).fetchone()
        values = {
            "number": number,
            "place": place,
            "first": first,
            "octets": octets,
            "mailboxes": len(addresses),
            "addresses": json.dumps(addresses),
            "more": more,
        }
        for statement in _STATEMENTS:
            connection.execute(statement, values)
