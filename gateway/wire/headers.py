"""The header of a message as it passes in blocks: where it ends, and what TOP shows.

All octets are canonical: CRLF ends each line (`gateway.wire.newlines`).
"""

from __future__ import annotations

BLANK_LINE = b"\n\r\n"
"""The end of the last header line, and the blank line after it."""


class HeaderScanner:
    """Collects the header of a message (RFC 5322 section 2.1).

    @param limit: octets after which the header is taken to have ended.
    """

    def __init__(self, limit: int = 262_144) -> None:
        self._limit = limit
        # A line end before the first line makes an empty header end like all others.
        self._octets = bytearray(b"\n")
        self.complete = False
        """True once the header has ended: nothing that follows is looked at."""

    def feed(self, block: bytes) -> None:
        """Take the next octets of the message."""
        if self.complete:
            return
        before = len(self._octets)
        self._octets += block[: self._limit + 1 - before]
        end = self._octets.find(BLANK_LINE, max(0, before - 2))
        if end >= 0:
            del self._octets[end + 1 :]
        self.complete = end >= 0 or len(self._octets) > self._limit

    @property
    def header(self) -> bytes:
        """The header as far as it was seen, without the blank line after it."""
        return bytes(self._octets[1:])


class TopCutter:
    """Passes the header of a message, the blank line and `lines` lines of the body (RFC 1939, TOP).

    A message without a blank line is all header.
    """

    __slots__ = ("_last", "_lines", "done")

    def __init__(self, lines: int) -> None:
        self._lines = lines
        # The octets before the block; None once the blank line has passed.
        self._last: bytes | None = b"\n"
        self.done = False
        """True once all that is wanted has passed."""

    def feed(self, block: bytes) -> bytes:
        """Return what is wanted of the next octets."""
        if self.done:
            return b""
        if self._last is None:
            return block[: self._body_end(block, 0)]
        seen = self._last + block
        end = seen.find(BLANK_LINE)
        if end < 0:
            self._last = seen[-2:]
            return block
        body = end + len(BLANK_LINE) - len(self._last)
        self._last = None
        return block[: self._body_end(block, body)]

    def _body_end(self, block: bytes, at: int) -> int:
        """Return where the wanted lines of the body, which goes on at `at`, end in `block`."""
        if block.count(b"\n", at) < self._lines:
            self._lines -= block.count(b"\n", at)
            return len(block)
        for _ in range(self._lines):
            at = block.index(b"\n", at) + 1
        self.done = True
        return at
