"""Putting one message into several mailboxes: in all of them or in none. Blocks."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from gateway.store.interfaces import MessageAttributes
from gateway.store.maildir import records
from gateway.store.maildir.errors import storage_error
from gateway.store.maildir.folders import make_mailbox, sync_folder
from gateway.store.maildir.spool import SpoolFile

# Another file system; one that knows no links; one file with more links than it can count.
_NO_LINK = frozenset({errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK})
_BLOCK = 1_048_576


def store_copies(
    file: SpoolFile, base: str, folders: Sequence[Path], attributes: MessageAttributes
) -> None:
    """Store a message that is on stable storage in mailboxes, durably.

    All names are made before the first folder is synced, so that one write to the journal of the
    file system serves all.

    @param base: the base name of all copies.
    @raise StoreError: no copy is stored.
    """
    stored: list[Path] = []
    folder = folders[0]
    try:
        for folder in folders:
            _place_making_folders(file, base, folder, attributes)
            stored.append(folder)
        for folder in folders:
            sync_folder(f"{folder}/new")
    except OSError as error:
        _take_back(base, stored)
        raise storage_error("store a message in", folder, error) from error


def _place_making_folders(
    file: SpoolFile, base: str, folder: Path, attributes: MessageAttributes
) -> None:
    try:
        _place(file, base, folder, attributes)
    except FileNotFoundError:
        make_mailbox(folder)
        _place(file, base, folder, attributes)


def _place(file: SpoolFile, base: str, folder: Path, attributes: MessageAttributes) -> None:
    """Make the message visible in a mailbox."""
    if records.needs_record(attributes):
        records.append(folder, {base: attributes})
    try:
        file.link(f"{folder}/new/{base}")
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        _copy(file, base, folder)


def _copy(file: SpoolFile, base: str, folder: Path) -> None:
    """Do with a copy what cannot be done with a link."""
    temporary = folder / "tmp" / base
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as copy:
            at = 0
            while block := os.pread(file.descriptor, _BLOCK, at):
                copy.write(block)
                at += len(block)
            copy.flush()
            os.fsync(descriptor)
        temporary.rename(folder / "new" / base)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _take_back(base: str, folders: Sequence[Path]) -> None:
    """Remove the copies that were stored already."""
    for folder in folders:
        try:
            (folder / "new" / base).unlink()
            sync_folder(f"{folder}/new")
        except OSError:
            # The disk is failing. The others are still to be taken back.
            continue
