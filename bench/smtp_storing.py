"""What the floor and aiosmtpd store with: Maildirs, file and folders on stable storage."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

MAILBOXES = 50


def make_mailboxes(root: Path) -> None:
    """Make the folders of all users, and the one that messages are written in."""
    for name in ["tmp", *(f"user{number}/new" for number in range(1, MAILBOXES + 1))]:
        (root / name).mkdir(parents=True)


def store(root: str, mailboxes: Iterable[str], number: int, message: bytes) -> None:
    """Write once, link, sync.

    @param number: of the message, no other has the same.
    """
    path = f"{root}/tmp/{number}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(descriptor, message)
    os.fsync(descriptor)
    os.close(descriptor)
    folders = [f"{root}/{mailbox}/new" for mailbox in mailboxes]
    for folder in folders:
        os.link(path, f"{folder}/{number}")
    for folder in folders:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(descriptor)
        os.close(descriptor)
    os.unlink(path)  # noqa: PTH108
