"""What an error of the operating system means for the mail store."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.store.interfaces import StorageFull, StoreError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE})


def storage_error(doing: str, path: object, error: OSError) -> StoreError:
    """Make the error that the callers of a store know, with a text for the log.

    @param doing: a verb, and what it was done to: "read", "lock the maildrop".
    """
    kind = StorageFull if error.errno in _FULL else StoreError
    culprit = error.filename2 or error.filename
    which = f" ({culprit})" if culprit is not None and str(culprit) != str(path) else ""
    return kind(f"cannot {doing} {path}: {error.strerror or error}{which}")


@contextmanager
def told_as_store_error(doing: str, path: object) -> Iterator[None]:
    """Turn an `OSError` of the block into a `StoreError`."""
    try:
        yield
    except OSError as error:
        raise storage_error(doing, path, error) from error
