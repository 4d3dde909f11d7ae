"""What an error of SQLite or of the operating system means for the store."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.store.disk_errors import storage_error
from gateway.store.interfaces import StorageFull, StoreError

_DAMAGED = "; run 'pop3gw store check', and see \"Damage\" in docs/stores.md"
_NOT_ALLOWED = "; it and its folder must be writable for whoever runs the gateway"
_REMEDIES = {
    sqlite3.SQLITE_BUSY: "; another program has held it for too long",
    sqlite3.SQLITE_CANTOPEN: _NOT_ALLOWED,
    sqlite3.SQLITE_READONLY: _NOT_ALLOWED,
    sqlite3.SQLITE_FULL: "; make room on its disk",
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}
"""What to do, by SQLite's primary result codes."""


class Damaged(StoreError):
    """The store does not hold what it says it holds."""

    def __init__(self, what: str) -> None:
        super().__init__(what + _DAMAGED)


def primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code, 0 where there is none."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


ERRORS = (sqlite3.Error, OSError, UnicodeError, OverflowError)
"""What `store_error` takes."""


def store_error(doing: str, path: object, error: BaseException) -> StoreError:
    """Make the error that the callers of a store know of one of `ERRORS`.

    @param doing: a verb, and what it was done to: "read", "store a message in".
    """
    if isinstance(error, sqlite3.Error):
        code = primary_code(error)
        kind = StorageFull if code == sqlite3.SQLITE_FULL else StoreError
        return kind(f"cannot {doing} {path}: {error}{_REMEDIES.get(code, '')}")
    if isinstance(error, OSError):
        return storage_error(doing, path, error)
    return StoreError(f"cannot {doing} {path}: a value is not possible: {error}")


@contextmanager
def told_as_store_error(doing: str, path: object) -> Iterator[None]:
    """Turn an error of SQLite or of the system in the block into a `StoreError`."""
    try:
        yield
    except ERRORS as error:
        raise store_error(doing, path, error) from error
