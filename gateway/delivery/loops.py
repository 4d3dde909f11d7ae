"""Finds out from a message's header that it has been here before (RFC 5321 section 6.3)."""

from __future__ import annotations

import re

from gateway.delivery.trace_headers import own_mark
from gateway.wire.headers import HeaderScanner

MOST_RECEIVED = 50
"""A message with more Received fields goes round in circles. RFC 5321 section 6.3 suggests 100; 50
is what Postfix has taught the world to stay under."""
HEADER_OCTETS = 65_536
"""How much of a message is searched. Trace fields stand at its beginning."""

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

    __slots__ = ("_own_mark", "_scanner", "delivered_to", "received")

    def __init__(self, hostname: str) -> None:
        self.received = 0
        """How many Received fields there are, once the header has ended."""
        self.delivered_to: set[str] = set()
        """The mailboxes for which we have already stored it, once the header has ended."""
        self._own_mark = own_mark(hostname).encode("utf-8")
        self._scanner: HeaderScanner | None = HeaderScanner(HEADER_OCTETS)

    def feed(self, octets: bytes) -> bool:
        """Take the next octets of the message.

        @return: True once, when the header has ended.
        """
        if self._scanner is None:
            return False
        self._scanner.feed(octets)
        return self._scanner.complete and self.finish()

    def finish(self) -> bool:
        """The message has ended.

        @return: True where its header, all that there is, has ended only now.
        """
        if self._scanner is None:
            return False
        header, self._scanner = self._scanner.header, None
        self._count(header)
        return True

    def _count(self, header: bytes) -> None:
        delivered, delivered_end = "", -1
        for field in _TRACE_FIELD.finditer(header):
            if field[1] is None:
                delivered, delivered_end = field[2].decode("utf-8", "replace").strip(), field.end()
                continue
            self.received += 1
            if field.start() == delivered_end and self._own_mark in field[2]:
                self.delivered_to.add(delivered)
