"""Line ends between disk and wire: LF, CRLF or a mixture there, CRLF only here.

A store hands out canonical octets, and says their number before it sends them (RFC 1939 section
11): `CanonicalSize` counts exactly what `CRLFEncoder` produces. All codecs are pushed blocks of
any size; how the octets are split makes no difference to the result.
"""

from __future__ import annotations

import re


def _with_crlf(block: bytes) -> bytes:
    """Turn each LF without CR into CRLF. The first octet is taken to follow no CR."""
    lines = block.replace(b"\r", b"")
    if len(lines) == len(block):
        return block.replace(b"\n", b"\r\n")
    # Where all is CRLF already, this comparison is four times as fast as the two replaces below.
    if lines.replace(b"\n", b"\r\n") == block:
        return block
    return block.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


class CRLFEncoder:
    """Makes the canonical octets of a message from what is on disk.

    An LF that follows no CR becomes CRLF. Everything else stays: CRLF, bare CR, NUL, 8-bit.
    """

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last = b""

    def encode(self, block: bytes) -> bytes:
        """Return the canonical form of the next octets."""
        if not block:
            return block
        after_cr, self._last = self._last == b"\r", block[-1:]
        if after_cr and block.startswith(b"\n"):
            return b"\n" + _with_crlf(block[1:])
        return _with_crlf(block)

    def finish(self) -> bytes:
        """Return the line end that the last line lacks: CRLF or nothing.

        An empty message gets none. After a CR a whole CRLF is added: the CR was not a line end.
        """
        # Whatever ends with LF ends with CRLF by now.
        return b"" if self._last in (b"", b"\n") else b"\r\n"


class CanonicalSize:
    """Counts the octets that `CRLFEncoder` makes of a message, without making them."""

    __slots__ = ("_last", "octets")

    def __init__(self) -> None:
        self._last = b""
        self.octets = 0
        """The octets so far; after `finish`, those of the whole message."""

    def feed(self, block: bytes) -> None:
        """Count the next octets as they are on disk."""
        if not block:
            return
        self.octets += len(block) + _lines_without_cr(block)
        if self._last == b"\r" and block.startswith(b"\n"):
            self.octets -= 1
        self._last = block[-1:]

    def feed_lines(self, block: bytes, octets: int) -> None:
        """Count the next octets as they are on disk, of which it is known what will be made.

        @param block: without CR, and nothing before it ended with one.
        @param octets: how many octets `CRLFEncoder` will make of it.
        """
        if block:
            self.octets += octets
            self._last = block[-1:]

    def finish(self) -> None:
        """Count the CRLF that `CRLFEncoder.finish` adds."""
        if self._last not in (b"", b"\n"):
            self.octets += 2
            self._last = b"\n"


def _lines_without_cr(block: bytes) -> int:
    """Count each LF without CR. The first octet is taken to follow no CR.

    Replacing a single octet runs at twice the speed of counting it.
    """
    if b"\r" not in block:
        return len(block) - len(block.replace(b"\n", b""))
    if block.replace(b"\r", b"").replace(b"\n", b"\r\n") == block:
        return 0
    return block.count(b"\n") - block.count(b"\r\n")


class LFEncoder:
    """Makes what is written to disk from canonical octets: CRLF becomes LF, all else stays.

    A CRLF that follows a CR stays too: as LF it would make a line end of that CR. So for a message
    without bare LF that ends with CRLF, `CRLFEncoder` gives the same octets back.
    """

    __slots__ = ("_after_cr", "_held", "size")

    def __init__(self) -> None:
        self._held = b""
        self._after_cr = False
        self.size = CanonicalSize()
        """The size of what `CRLFEncoder` will make of it."""

    def encode(self, block: bytes) -> bytes:
        """Return the next octets with LF line ends; a last CR waits for what follows."""
        if self._held:
            block = self._held + block
        if block.endswith(b"\r"):
            self._held = b"\r"
            block = block[:-1]
        else:
            self._held = b""
        if not block:
            return block
        after_cr, self._after_cr = self._after_cr, block.endswith(b"\r")
        lines = block.replace(b"\r", b"")
        # For canonical octets this is far faster than replacing the pairs, and tells the size.
        if not after_cr and lines.replace(b"\n", b"\r\n") == block:
            self.size.feed_lines(lines, len(block))
            return lines
        kept = b"\r\n" if after_cr and block.startswith(b"\r\n") else b""
        encoded = kept + _CRLF.sub(b"\n", block[len(kept) :])
        self.size.feed(encoded)
        return encoded

    def finish(self) -> bytes:
        """Return what was held back. The message has ended."""
        rest, self._held = self._held, b""
        self.size.feed(rest)
        self.size.finish()
        return rest


_CRLF = re.compile(rb"(?<!\r)\r\n")
