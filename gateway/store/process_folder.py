"""A folder for each process below a common one, and what a process that died has left there.

A file in the folder stays locked while its process lives, so that the next one to start knows
what to clean up.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from gateway.store.folders import make_folder

_GATE = ".lock"
_ALIVE = ".alive"


class ProcessFolder:
    """The folder of this process. All methods block; they raise `OSError`.

    @param root: the common folder.
    @param clean_up: called with the folder of each process that died, before it is removed.
    """

    def __init__(self, root: Path, clean_up: Callable[[Path], None] = lambda _: None) -> None:
        self.root = root
        self.path = self._new_path()
        self._clean_up = clean_up
        self._alive = -1
        self._starting = threading.Lock()

    def _new_path(self) -> Path:
        return self.root / f"{os.getpid()}-{token_hex(4)}"

    def start(self) -> None:
        """Remove what dead processes left, and make the folder of this one."""
        with self._starting:
            if not self.path.name.startswith(f"{os.getpid()}-"):
                self.path = self._new_path()  # we were forked since, and so may be others
            make_folder(self.root)
            with self._gate():
                self._remove_dead()
                self._make()

    def stop(self) -> None:
        """Remove the folder of this process."""
        if self._alive >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._alive)
            self._alive = -1

    @contextmanager
    def _gate(self) -> Iterator[None]:
        """Let one process at a time clean up and make its folder."""
        descriptor = os.open(self.root / _GATE, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _make(self) -> None:
        self.path.mkdir(0o700, exist_ok=True)
        alive = os.open(self.path / _ALIVE, os.O_WRONLY | os.O_CREAT, 0o600)
        fcntl.flock(alive, fcntl.LOCK_EX)
        if self._alive >= 0:
            os.close(self._alive)
        self._alive = alive

    def _remove_dead(self) -> None:
        for folder in self.root.iterdir():
            if folder.is_dir() and not _is_alive(folder):
                self._clean_up(folder)
                shutil.rmtree(folder, ignore_errors=True)


def _is_alive(folder: Path) -> bool:
    """Say whether the process that a folder belongs to lives."""
    try:
        descriptor = os.open(folder / _ALIVE, os.O_WRONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
