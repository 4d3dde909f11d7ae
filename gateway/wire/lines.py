"""Octets as they arrive, taken as command lines or as blocks."""

from __future__ import annotations


class OverlongLine(Exception):
    """A line was longer than allowed. It was skipped whole; the next line is taken as usual."""


class InputBuffer:
    """What a client sent and nobody has taken yet.

    Lines end with LF, with or without a CR before it: a person at telnet may send either
    (RFC 1939 section 3 asks for CRLF, and so do programs). At most `line_limit` octets of an
    unfinished line are kept.

    @param line_limit: octets of the longest line that is taken, its end included.
    """

    __slots__ = ("_at", "_data", "_searched", "_skipping", "line_limit")

    def __init__(self, line_limit: int) -> None:
        self.line_limit = line_limit
        self._data = b""
        self._at = 0
        self._searched = 0
        self._skipping = False

    def __len__(self) -> int:
        """Count the octets that wait to be taken."""
        return len(self._data) - self._at

    def feed(self, octets: bytes) -> None:
        """Add octets at the end."""
        if self._at < len(self._data):
            self._data = self._data[self._at :] + octets
            self._searched -= self._at
        else:
            self._data = octets
            self._searched = 0
        self._at = 0

    def take_line(self) -> bytes | None:
        """Take the next line, without its end; None when no complete one is there.

        @raise OverlongLine: the next line was longer than `line_limit`.
        """
        end = self._data.find(b"\n", max(self._at, self._searched))
        if end < 0:
            self._keep_unfinished()
            return None
        start, self._at = self._at, end + 1
        self._searched = self._at
        if self._skipping or self._at - start > self.line_limit:
            self._skipping = False
            raise OverlongLine
        if end > start and self._data[end - 1] == 13:
            end -= 1
        return self._data[start:end]

    def _keep_unfinished(self) -> None:
        self._searched = len(self._data)
        if len(self._data) - self._at > self.line_limit:
            self._skipping = True
            self.clear()

    def take_all(self) -> bytes:
        """Take everything that waits, as a block."""
        block = self._data[self._at :] if self._at else self._data
        self.clear()
        return block

    def put_back(self, octets: bytes) -> None:
        """Put octets before everything that waits: the part of a block that was not used."""
        self._data = octets + self._data[self._at :]
        self._at = self._searched = 0

    def clear(self) -> None:
        """Forget what waits."""
        self._data = b""
        self._at = self._searched = 0
