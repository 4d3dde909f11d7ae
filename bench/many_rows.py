"""Ten million messages in the embedded store within a minute: rows that a few statements make.

The mailboxes have at least one message each, stored in the usual way; what is added is like the
first of all, and has its octets, once for all mailboxes.
"""

from __future__ import annotations

import sqlite3
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
    f" {_NUMBERS} SELECT id, :place + n, :number + n, :octets, :place + n, 0 FROM mailboxes, more",
    "UPDATE mailboxes SET messages = messages + :more, octets = octets + :more * :octets",
    "UPDATE store SET next_number = next_number + :more, last_place = last_place + :more",
)


def add(data: Path, more: int) -> None:
    """Give every mailbox of a gateway that does not run so many messages more."""
    with closing(sqlite3.connect(data / "sqlite" / "mail.sqlite")) as connection, connection:
        number, place = connection.execute(
            "SELECT next_number - 1, last_place FROM store"
        ).fetchone()
        first, octets = connection.execute(
            "SELECT number, octets FROM bodies ORDER BY number"
        ).fetchone()
        (mailboxes,) = connection.execute("SELECT count(*) FROM mailboxes").fetchone()
        values = {"number": number, "place": place, "first": first, "octets": octets}
        for statement in _STATEMENTS:
            connection.execute(statement, {**values, "mailboxes": mailboxes, "more": more})
