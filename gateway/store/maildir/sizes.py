"""Canonical sizes of files whose names do not tell them: counted once, then remembered.

What was counted is remembered in the mailbox folder, so that a restart does not read 100,000
files again. It is worth no sync: what a crash takes away is counted again.
"""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path

from gateway.store.maildir.slices import SLICE, let_others_run
from gateway.store.uidl import is_uidl
from gateway.wire.newlines import CanonicalSize

BLOCK = 65_536
OPEN_MESSAGE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Neither a link to some other file nor a pipe that nobody writes to is a message."""

_FILE = ".pop3gw.sizes"
_NEW_FILE = ".pop3gw.sizes.new"
_NUMBER = re.compile("[0-9]{1,15}")


class CountedSizes:
    """The sizes that were counted in one mailbox."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE
        self._new_path = folder / _NEW_FILE
        self._lines = 0
        self._used: list[str] = []
        self._added: list[str] = []

    def of_file(self, base: str, name: str, folder: int, *, again: bool) -> tuple[int, int]:
        """Return the octets of a file, and those of its canonical form, counted or remembered.

        Of one that cannot be read the latter are taken to be as many.

        @param name: relative to `folder`, a descriptor.
        @param again: whether to count even if it is remembered.
        @raise FileNotFoundError: it is gone.
        """
        try:
            if not again and self._known:
                found = self._find(base, os.stat(name, dir_fd=folder, follow_symlinks=False))
                if found is not None:
                    return found
            return self._count(base, name, folder)
        except FileNotFoundError:
            raise
        except OSError:
            # It stays in the list, and harms none of the others.
            octets = os.stat(name, dir_fd=folder, follow_symlinks=False).st_size
            return octets, octets

    def _find(self, base: str, status: os.stat_result) -> tuple[int, int] | None:
        file = f"{status.st_size} {status.st_mtime_ns} {base}"
        octets = self._known.get(file)
        if octets is None:
            return None
        self._used.append(f"{octets} {file}\n")
        return status.st_size, octets

    def _count(self, base: str, name: str, folder: int) -> tuple[int, int]:
        descriptor = os.open(name, OPEN_MESSAGE, dir_fd=folder)
        try:
            status = os.fstat(descriptor)
            file_octets, octets = count_open(descriptor, status.st_size)
        finally:
            os.close(descriptor)
        if is_uidl(base):
            self._added.append(f"{octets} {file_octets} {status.st_mtime_ns} {base}\n")
        return file_octets, octets

    def save(self) -> None:
        """Write down what was added. A file that mostly speaks of messages gone is written anew."""
        if not self._added:
            return
        try:
            if self._lines > 2 * len(self._used) + 1000:
                self._write(self._new_path, os.O_TRUNC, self._used + self._added)
                self._new_path.replace(self._path)
            else:
                self._write(self._path, os.O_APPEND, self._added)
        except OSError:
            # A mailbox that cannot be written to is counted again next time.
            return

    @cached_property
    def _known(self) -> dict[str, int]:
        known: dict[str, int] = {}
        try:
            lines = self._path.open(encoding="ascii", errors="replace", newline="\n")
        except OSError:
            return known
        with lines:
            for self._lines, line in enumerate(lines, 1):
                if not self._lines % SLICE:
                    let_others_run()
                # The name comes last: of a torn line it fits no file.
                octets, _, file = line.rstrip("\n").partition(" ")
                if _NUMBER.fullmatch(octets):
                    known[file] = int(octets)
        return known

    @staticmethod
    def _write(path: Path, flag: int, lines: list[str]) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | flag, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write("\n")
            for start in range(0, len(lines), SLICE):
                file.write("".join(lines[start : start + SLICE]))
                let_others_run()


def count(path: str) -> tuple[int, int]:
    """Read a file and return its octets, and those of its canonical form."""
    descriptor = os.open(path, OPEN_MESSAGE)
    try:
        return count_open(descriptor)
    finally:
        os.close(descriptor)


def count_open(descriptor: int, expected: int = BLOCK) -> tuple[int, int]:
    """As `count`, for an open file, from its beginning.

    @param expected: how many octets it probably has.
    """
    size = CanonicalSize()
    at, room = 0, min(expected + 1, BLOCK)  # so that one read finds the end
    while block := os.pread(descriptor, room, at):
        size.feed(block)
        at += len(block)
        if len(block) < room:
            break
        room = BLOCK
    size.finish()
    return at, size.octets
