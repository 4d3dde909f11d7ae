"""The hold on a maildrop that all processes on this machine respect: flock on a file in it."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.store.disk_errors import storage_error
from gateway.store.interfaces import MaildropInUse

FILE = ".pop3gw.lock"
_LINE_OCTETS = 160


class FolderLock:
    """Held from `take` until `release` or the end of the process, whatever ends it.

    The file says in JSON who holds it (`since`, `host`, `pid`); what it says counts only while
    the lock is held.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, folder: Path, mailbox: str, host: str, since: float) -> FolderLock:
        """Take the lock of a mailbox folder without waiting.

        @param host: for whom, as others may be told.
        @param since: from when on, in seconds since the epoch.
        @raise FileNotFoundError: there is no such folder.
        @raise MaildropInUse: another process holds it.
        @raise StoreError: it cannot be locked.
        """
        path = f"{folder}/{FILE}"
        while True:
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            except FileNotFoundError:
                raise
            except OSError as error:
                raise storage_error("lock the maildrop with", path, error) from error
            try:
                if cls._lock(descriptor, path, mailbox):
                    cls._sign(descriptor, host, since)
                    return cls(descriptor)
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    @staticmethod
    def _lock(descriptor: int, path: str, mailbox: str) -> bool:
        """Lock the open file. Return False if it is no longer the one in the folder."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _in_use(descriptor, mailbox) from None
        except OSError as error:
            raise storage_error("lock the maildrop with", path, error) from error
        try:
            # A mailbox that was purged or renamed took its file along.
            return os.fstat(descriptor).st_ino == os.stat(path).st_ino  # noqa: PTH116
        except FileNotFoundError:
            return False

    @staticmethod
    def _sign(descriptor: int, host: str, since: float) -> None:
        line = json.dumps({"since": since, "host": host, "pid": os.getpid()})
        try:
            # So long that nothing of what another has written stays visible behind it.
            os.pwrite(descriptor, f"{line:{_LINE_OCTETS}}\n".encode(), 0)
        except OSError:
            # The lock holds without a signature: with a full disk mail can be read and deleted.
            return

    def release(self) -> None:
        """Let go. To be called once."""
        try:
            # Closing is not enough: a child between fork and exec has the same open file.
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        except OSError:
            # Then closing has to do.
            pass
        os.close(self._descriptor)


@contextmanager
def held(folder: Path, mailbox: str) -> Iterator[None]:
    """Hold a maildrop for the block, for nobody: a command. Raises as `FolderLock.take` does."""
    lock = FolderLock.take(folder, mailbox, "", time.time())
    try:
        yield
    finally:
        lock.release()


def _in_use(descriptor: int, mailbox: str) -> MaildropInUse:
    """Say who holds the lock, as far as the file tells."""
    try:
        holder = json.loads(os.pread(descriptor, 1000, 0))
        since, pid = float(holder["since"]), int(holder.get("pid", 0))
        return MaildropInUse(mailbox, str(holder["host"]), since, pid)
    except (OSError, ValueError, KeyError, TypeError):
        return MaildropInUse(mailbox)
