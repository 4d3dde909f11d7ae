"""One message between two servers: read whole from the old one before the new one gets any."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from email.utils import mktime_tz, parsedate_tz
from functools import cached_property
from hashlib import sha256
from typing import IO

from gateway.imports.messages import SourceMessage

IN_MEMORY = 1_048_576
_BLOCK = 65_536
_HEADER_OCTETS = 65_536
_RECEIVED = re.compile(rb"^received:(?:[^\r\n]|\r\n[ \t])*;((?:[^;\r\n]|\r\n[ \t])*)", re.I | re.M)
_DATE = re.compile(rb"^date:((?:[^\r\n]|\r\n[ \t])*)", re.I | re.M)


class Copy:
    """The octets of a message, in memory or in a file without a name.

    @raise MessageVanished: the old server has it no longer.
    @raise MessageUnreadable: it cannot be read.
    @raise SourceError: no message can be.
    """

    def __init__(self, message: SourceMessage) -> None:
        self._held: list[bytes] = []
        self._file: IO[bytes] | None = None
        self.octets = 0
        try:
            for block in message.read():
                self._add(block)
        except BaseException:
            self.close()
            raise

    def _add(self, block: bytes) -> None:
        self.octets += len(block)
        if self._file is not None:
            self._file.write(block)
            return
        self._held.append(block)
        if self.octets > IN_MEMORY:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  (closed by `close`)
            self._file.writelines(self._held)
            self._held = []

    def __enter__(self) -> Copy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the octets."""
        if self._file is not None:
            self._file.close()

    @cached_property
    def digest(self) -> bytes:
        """The SHA-256 of the octets."""
        digest = sha256()
        for block in self.blocks():
            digest.update(block)
        return digest.digest()

    def blocks(self) -> Iterator[bytes]:
        """Yield the octets."""
        yield from self._held
        if self._file is not None:
            self._file.seek(0)
            while block := self._file.read(_BLOCK):
                yield block

    def arrived(self) -> float | None:
        """Say when the message arrived as its header has it: the last Received, else Date.

        @return: seconds since the epoch, None where the header does not tell.
        """
        start = b""
        for block in self.blocks():
            start += block
            if len(start) >= _HEADER_OCTETS:
                break
        header = start[:_HEADER_OCTETS].partition(b"\r\n\r\n")[0]
        for field in (_RECEIVED, _DATE):
            match = field.search(header)
            if match is not None:
                seconds = _seconds(match[1])
                if seconds is not None:
                    return seconds
        return None


def _seconds(text: bytes) -> float | None:
    try:
        parsed = parsedate_tz(b" ".join(text.split()).decode("ascii", "replace"))
        return None if parsed is None else float(mktime_tz(parsed))
    except (ValueError, OverflowError, TypeError):
        return None
