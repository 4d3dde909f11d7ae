"""A log file that several processes write to, in whole lines, and that any of them may rotate."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from twisted.python.logfile import LogFile
from twisted.python.threadable import synchronize

_LOOK_SECONDS = 0.2


class SharedLogFile(LogFile):
    """Appends, whoever else does. Now and then it looks whether another process has rotated it.

    What is written before that is noticed lands at the end of the rotated file; nothing is lost.
    """

    _looked = 0.0

    def _openFile(self) -> None:
        super()._openFile()
        descriptor = self._file.fileno()
        flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_APPEND)

    def write(self, data: str | bytes) -> None:
        """Append a line."""
        now = time.monotonic()
        if now - self._looked > _LOOK_SECONDS:
            self._looked = now
            self._follow()
        super().write(data)

    def rotate(self) -> None:
        """Rotate the file, unless another process has just done it."""
        with self._alone():
            if not self._follow():
                super().rotate()

    def _follow(self) -> bool:
        """Open the file anew where another process has rotated it; say whether that was so."""
        ours = os.fstat(self._file.fileno())
        try:
            current = os.stat(self.path)  # noqa: PTH116  (not a Path)
        except OSError:
            return False  # it is being rotated
        if os.path.samestat(ours, current):
            self.size = current.st_size
            return False
        try:
            self.reopen()
        except OSError:
            return False
        return True

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one process at a time rotate."""
        try:
            lock = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            yield
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


synchronize(SharedLogFile)
