"""Learns the Message-ID of a message as it comes by (RFC 5322 section 3.6.4)."""

from __future__ import annotations

import re

HEADER_OCTETS = 65_536
"""How much of a message is searched."""
FIELD_OCTETS = 1_200
"""A field longer than that is not found: a line has 998 characters (RFC 5322 section 2.1.1)."""

_BLANK_LINE = b"\n\r\n"
_FIELD = re.compile(rb"\n(?i:message-id)[ \t]*:\s*(<[^<>\s]{1,990}>)")


class MessageIdFinder:
    """Reads the header of one message in canonical form, and keeps only its last few octets."""

    __slots__ = ("_octets", "_rest", "found")

    def __init__(self) -> None:
        self.found = ""
        """The Message-ID, with its angle brackets."""
        self._rest: bytes | None = b"\n"
        self._octets = 0

    def feed(self, octets: bytes) -> bool:
        """Take the next octets of the message.

        @return: True once, when it is found.
        """
        if self._rest is None:
            return False
        seen = self._rest + octets[: HEADER_OCTETS - self._octets]
        self._octets += len(octets)
        end = seen.find(_BLANK_LINE)
        match = _FIELD.search(seen, 0, len(seen) if end < 0 else end)
        if match is not None:
            self.found = match[1].decode("utf-8", "replace")
        over = match is not None or end >= 0 or self._octets >= HEADER_OCTETS
        self._rest = None if over else seen[-FIELD_OCTETS:]
        return match is not None
