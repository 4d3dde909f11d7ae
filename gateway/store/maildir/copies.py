"""Putting a message into several mailboxes: in all of them or in none. Blocks."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from gateway.files import sync_folder
from gateway.store.disk_errors import storage_error
from gateway.store.interfaces import MessageAttributes, StoreError
from gateway.store.maildir import records
from gateway.store.maildir.folders import make_mailbox
from gateway.store.maildir.spool import SpoolFile

NO_LINK = frozenset({errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK})
"""Another file system; one that knows no links; one file with more links than it can count."""
_BLOCK = 1_048_576


class Copies:
    """The copies of one message that is on stable storage.

    @param base: the base name of all of them.
    @param folders: the mailboxes.
    """

    def __init__(
        self, file: SpoolFile, base: str, folders: Sequence[Path], attributes: MessageAttributes
    ) -> None:
        self.base = base
        self.folders = folders
        self._file = file
        self._attributes = attributes
        self._placed: list[Path] = []

    def place(self) -> None:
        """Make the message visible in all mailboxes. `sync_copies` makes that durable.

        @raise StoreError: it is in none of them.
        """
        for folder in self.folders:
            try:
                _place_making_folders(self._file, self.base, folder, self._attributes)
            except OSError as error:
                self.take_back()
                raise storage_error("store a message in", folder, error) from error
            self._placed.append(folder)

    def take_back(self) -> None:
        """Remove the copies, durably where the disk lets us. Never raises."""
        for folder in self._placed:
            try:
                (folder / "new" / self.base).unlink()
                sync_folder(f"{folder}/new")
            except OSError:
                # The disk is failing. The others are still to be taken back.
                continue


def sync_copies(group: Sequence[Copies]) -> dict[Copies, StoreError]:
    """Make the names of copies durable. A folder that several share is synced once.

    All names were made before the first folder is synced, so that one write to the journal of the
    file system serves all.

    @return: those that cannot be made durable, and were taken back.
    """
    errors: dict[Path, StoreError] = {}
    for folder in dict.fromkeys(folder for copies in group for folder in copies.folders):
        try:
            sync_folder(f"{folder}/new")
        except OSError as error:
            errors[folder] = storage_error("store a message in", folder, error)
    if not errors:
        return {}
    failed: dict[Copies, StoreError] = {}
    for copies in group:
        for folder in errors.keys() & copies.folders:
            failed[copies] = errors[folder]
    for copies in failed:
        copies.take_back()
    return failed


def _place_making_folders(
    file: SpoolFile, base: str, folder: Path, attributes: MessageAttributes
) -> None:
    try:
        place(file, base, folder, attributes)
    except FileNotFoundError:
        make_mailbox(folder)
        place(file, base, folder, attributes)


def place(
    file: SpoolFile,
    base: str,
    folder: Path,
    attributes: MessageAttributes,
    subfolder: str = "new",
) -> None:
    """Put the message into a mailbox. Raises `OSError`."""
    if records.needs_record(attributes):
        records.append(folder, {base: attributes})
    try:
        file.link(f"{folder}/{subfolder}/{base}")
    except OSError as error:
        if error.errno not in NO_LINK:
            raise
        _copy(file, base, folder, subfolder)


def _copy(file: SpoolFile, base: str, folder: Path, subfolder: str) -> None:
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
        temporary.rename(folder / subfolder / base)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
