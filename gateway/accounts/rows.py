"""The questions that are asked of the tables again and again."""

from __future__ import annotations

import sqlite3

from gateway.accounts.records import UserRecord


def record_of(row: sqlite3.Row) -> UserRecord:
    """Make the record of a row."""
    return UserRecord(
        row["address"],
        row["password_hash"],
        row["secret"],
        bool(row["enabled"]),
        row["quota_octets"],
        row["quota_messages"],
        row["created"],
        row["scram"],
    )


def user_row(connection: sqlite3.Connection, address: str) -> sqlite3.Row | None:
    """Return the row of a user, None where there is none."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM users WHERE address = ?", (address,)
    ).fetchone()
    return row


def targets_of(connection: sqlite3.Connection, alias: str) -> tuple[str, ...]:
    """Return the targets of an alias, in the order they were added."""
    rows = connection.execute(
        "SELECT target FROM alias_targets WHERE alias = ? ORDER BY id", (alias,)
    )
    return tuple(row["target"] for row in rows)


def is_alias(connection: sqlite3.Connection, address: str) -> bool:
    """Say whether an address is an alias."""
    query = "SELECT 1 FROM aliases WHERE address = ?"
    return connection.execute(query, (address,)).fetchone() is not None


def has_domain(connection: sqlite3.Connection, name: str) -> bool:
    """Say whether a domain is served."""
    query = "SELECT 1 FROM domains WHERE name = ?"
    return connection.execute(query, (name,)).fetchone() is not None
