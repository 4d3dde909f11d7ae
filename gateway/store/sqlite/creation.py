"""How a new database comes to be: whole, or not at all. Blocks."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from secrets import token_hex

from gateway.files import sync_file, sync_folder
from gateway.store.folders import make_folder
from gateway.store.interfaces import StoreError
from gateway.store.sqlite.errors import Damaged
from gateway.store.sqlite.layout import Layout
from gateway.store.sqlite.migration import take_steps
from gateway.store.sqlite.schema import APPLICATION_ID, PAGE_OCTETS

MARK = b"mail.sqlite was made here; if it is missing, mail is missing\n"


def ready_to_open(layout: Layout) -> bool:
    """Say whether there is a database.

    @raise StoreError: there was one, and it is gone: nothing may pass for an empty store.
    """
    try:
        size = layout.database.stat().st_size
    except FileNotFoundError:
        size = -1
    if size > 0:
        return True
    if layout.marker.exists():
        raise Damaged(f"{layout.database} is {'missing' if size < 0 else 'empty'}")
    if size == 0:
        raise StoreError(f"{layout.database} is empty and not ours; move it away")
    return False


def create(layout: Layout) -> None:
    """Make the store's folders and an empty database, unless another process did so meanwhile."""
    complete(layout)
    with _alone(layout):
        if layout.database.exists():
            return
        new = layout.database.with_suffix(".new")
        new.unlink(missing_ok=True)
        with closing(sqlite3.connect(new, isolation_level=None)) as connection:
            fill(connection, first_number=1)
        new.chmod(0o600)
        sync_file(new)
        new.rename(layout.database)
        layout.marker.write_bytes(MARK)
        sync_file(layout.marker)
        sync_folder(layout.folder)


def complete(layout: Layout) -> None:
    """Make what is missing beside the database and its marker. Raises `OSError`."""
    for folder in (layout.folder, layout.large, layout.arriving, layout.locks):
        make_folder(folder)
    layout.keep_files.touch(0o600)


def fill(connection: sqlite3.Connection, *, first_number: int) -> None:
    """Make the tables in an empty database, and begin its first epoch."""
    connection.execute(f"PRAGMA page_size = {PAGE_OCTETS}")
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    take_steps(connection)
    connection.execute("UPDATE store SET next_number = ?", (first_number,))
    begin_epoch(connection)
    connection.execute("PRAGMA journal_mode = WAL")


def begin_epoch(connection: sqlite3.Connection) -> None:
    """Have unique-ids from the next number on a name that no other store gives."""
    connection.execute(
        "INSERT INTO epochs (name, first_number, first_change, began)"
        " SELECT ?, next_number, change, ? FROM store",
        (token_hex(5), int(time.time())),
    )


@contextmanager
def _alone(layout: Layout) -> Iterator[None]:
    descriptor = os.open(layout.folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
