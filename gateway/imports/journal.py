"""What was imported into a mailbox already, so that a second run imports nothing twice.

One JSON object a line, appended when the message is on stable storage. A line that a crash took
away or tore costs nothing but time: the message is then found in the mailbox by its content.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from json.encoder import encode_basestring_ascii as _quoted
from pathlib import Path

from gateway.files import Owner, acting_as
from gateway.imports.errors import SourceError
from gateway.store.maildir.folders import escape

_TOGETHER = 64
"""So many lines are written with one call."""


class Journal:
    """The journal of one mailbox, read.

    @param folder: of all journals; it need not exist.
    @param owner: to whom it belongs, where root works for another user.
    """

    def __init__(self, folder: Path, mailbox: str, owner: Owner | None = None) -> None:
        self._owner = owner
        self._mailbox = mailbox
        self._path = folder / escape(mailbox)
        self._descriptor = -1
        self._lines: list[str] = []
        self.uidls: dict[str, str] = {}
        """The unique-id here of each message, by the key that it has in its source."""
        self._load()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep other imports into this mailbox out while this one writes.

        @raise SourceError: another one is at work.
        """
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        with acting_as(self._owner):
            self._path.parent.mkdir(0o700, exist_ok=True)
            self._descriptor = os.open(self._path, flags, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._load()
            try:
                yield
            finally:
                self._write()
            os.fsync(self._descriptor)
        except BlockingIOError:
            raise SourceError(
                f"another import into {self._mailbox} is at work: wait for its end"
            ) from None
        finally:
            os.close(self._descriptor)

    def forget(self) -> None:
        """Remove it: the mailbox is deleted, and may be imported anew."""
        with acting_as(self._owner):
            self._path.unlink(missing_ok=True)

    def add(self, key: str, uidl: str) -> None:
        """Write down, soon, that a message is here, and under which unique-id."""
        self.uidls[key] = uidl
        # As `json.dumps` writes it, in a quarter of the time.
        self._lines.append(f'\n{{"key": {_quoted(key)}, "uidl": {_quoted(uidl)}}}\n')
        if len(self._lines) >= _TOGETHER:
            self._write()

    def _write(self) -> None:
        lines, self._lines = self._lines, []
        if lines:
            os.write(self._descriptor, "".join(lines).encode("ascii"))

    def _load(self) -> None:
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return
        for line in lines:
            try:
                record = json.loads(line)
                self.uidls[str(record["key"])] = str(record["uidl"])
            except (ValueError, KeyError, TypeError):
                continue  # blank, or torn by a crash
