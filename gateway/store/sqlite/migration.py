"""Bringing a database of an earlier version up to date. Blocks."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing

from gateway.sql_script import statements
from gateway.store.interfaces import StoreError
from gateway.store.sqlite import schema
from gateway.store.sqlite.layout import Layout


class NewerVersion(StoreError):
    """The database was written by a later release."""


def version_of(connection: sqlite3.Connection) -> int:
    """Return how many steps the tables have taken."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def refuse_newer(layout: Layout) -> None:
    """Read the version from the file itself, without a lock and without changing anything.

    @raise NewerVersion: it is beyond ours.
    """
    try:
        with layout.database.open("rb") as file:
            head = file.read(100)
    except OSError:
        return
    # https://www.sqlite.org/fileformat.html section 1.3: the user version is at offset 60.
    version = int.from_bytes(head[60:64], "big")
    if head.startswith(b"SQLite format 3\0") and version > len(schema.STEPS):
        raise _newer(layout, version)


def _newer(layout: Layout, version: int) -> NewerVersion:
    return NewerVersion(
        f"{layout.database} was written by a later pop3gw (version {version} of its tables, "
        f"this one knows {len(schema.STEPS)}): install that version again, or restore a backup"
    )


def require_known(layout: Layout, connection: sqlite3.Connection) -> int:
    """Return the version of the tables.

    @raise NewerVersion: it is beyond ours.
    @raise StoreError: the file is none of ours.
    """
    version = version_of(connection)
    if version > len(schema.STEPS):
        raise _newer(layout, version)
    mark = connection.execute("PRAGMA application_id").fetchone()[0]
    if mark != schema.APPLICATION_ID or version == 0:
        raise StoreError(f"{layout.database} is not the mail store of a pop3gw")
    return version


def migrate(layout: Layout, connection: sqlite3.Connection) -> None:
    """Take the steps that are missing, after a copy of the database was put beside it.

    @raise StoreError: see `require_known`.
    """
    version = require_known(layout, connection)
    if version == len(schema.STEPS):
        return
    copy = layout.database.with_name(f"mail-before-version-{len(schema.STEPS)}.sqlite")
    with closing(sqlite3.connect(copy)) as target:
        connection.backup(target)
    take_steps(connection)


def take_steps(connection: sqlite3.Connection, steps: Sequence[str] | None = None) -> None:
    """Take all steps that the database has not taken, in one transaction."""
    steps = schema.STEPS if steps is None else steps
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in steps[version_of(connection) :]:
            for statement in statements(step):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.rollback()
        raise
