"""Finds out from a message's header that it has been here before (RFC 5321 section 6.3)."""

from __future__ import annotations

import re

from gateway.delivery.trace_headers import own_mark
from gateway.wire.headers import BLANK_LINE

MOST_RECEIVED = 50
"""A message with more Received fields goes round in circles. RFC 5321 section 6.3 suggests 100; 50
is what Postfix has taught the world to stay under."""
HEADER_OCTETS = 65_536
"""How much of a message is searched. Trace fields stand at its beginning."""
FIELD_OCTETS = 4_096
"""How much of a field that has not ended is kept. No trace field of ours is longer."""

_TRACE_FIELD = re.compile(
    rb"^(?:(received)|delivered-to)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)\n",
    re.IGNORECASE | re.MULTILINE,
)


class LoopDetector:
    """Reads the header of one message as it comes by.

    A Delivered-To counts only where our own Received follows it at once: the same field written
    by another server (a provider whose mail fetchmail passes on to us, say) is no loop.

    @param hostname: what this gateway calls itself in Received.
    """

    __slots__ = (
        "_delivered",
        "_ended",
        "_octets",
        "_own_mark",
        "_rest",
        "delivered_to",
        "received",
    )

    def __init__(self, hostname: str) -> None:
        self.received = 0
        """How many Received fields there are, once the header has ended."""
        self.delivered_to: set[str] = set()
        """The mailboxes for which we have already stored it, once the header has ended."""
        self._own_mark = own_mark(hostname).encode("utf-8")
        self._octets = 0
        self._ended = False
        self._rest = b"\n"
        """The field that has not ended yet, after the end of the line before it."""
        self._delivered: str | None = None
        """The mailbox, where the field before the rest was Delivered-To."""

    def feed(self, octets: bytes) -> bool:
        """Take the next octets of the message.

        @return: True once, when the header has ended.
        """
        if self._ended:
            return False
        seen = self._rest + octets[: HEADER_OCTETS - self._octets]
        self._octets += len(octets)
        end = seen.find(BLANK_LINE)
        if end >= 0:
            self._rest = seen[: end + 1]
            return self.finish()
        if self._octets >= HEADER_OCTETS:
            self._rest = seen
            return self.finish()
        begin = _last_field(seen, len(self._rest) - 1)
        self._count(seen[1 : begin + 1])
        self._rest = _shortened(seen[begin:])
        return False

    def finish(self) -> bool:
        """The message has ended.

        @return: True where its header, all that there is, has ended only now.
        """
        if self._ended:
            return False
        self._ended = True
        self._count(self._rest[1:])
        self._rest = b""
        return True

    def _count(self, fields: bytes) -> None:
        """Count the trace fields among some whole ones."""
        expected = 0
        for field in _TRACE_FIELD.finditer(fields):
            after_delivered = self._delivered is not None and field.start() == expected
            if field[1] is None:
                self._delivered = field[2].decode("utf-8", "replace").strip()
            else:
                self.received += 1
                if after_delivered and self._own_mark in field[2]:
                    self.delivered_to.add(self._delivered or "")
                self._delivered = None
            expected = field.end()
        if expected != len(fields):
            self._delivered = None


def _last_field(octets: bytes, known: int) -> int:
    """Return where the line ends after which the last field begins, ended or not.

    @param known: up to there, all belongs to the field that `octets` begin with.
    """
    at = octets.rfind(b"\n", known, -1)
    while at >= 0 and octets[at + 1] in b" \t":
        at = octets.rfind(b"\n", known, at)
    return max(at, 0)


def _shortened(field: bytes) -> bytes:
    # The last octets stay: they may be the beginning of the blank line.
    return field if len(field) <= FIELD_OCTETS else field[:FIELD_OCTETS] + field[-3:]
