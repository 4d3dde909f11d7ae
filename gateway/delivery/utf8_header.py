"""Whether a message that came by SMTPUTF8 makes use of it (RFC 6531, RFC 6532)."""

from __future__ import annotations

from gateway.wire.headers import BLANK_LINE

HELD = 16_384
"""How many octets of a header are looked at; a longer one is taken to have the worst."""


class UTF8HeaderDetector:
    """Reads the header of one message as it comes by.

    Many clients ask for SMTPUTF8 whatever they send. Only a header beyond ASCII needs readers that
    can take it.

    @param possible: whether the client asked for SMTPUTF8; a header beyond ASCII without that is
        an old program's mistake, and no internationalized one.
    """

    __slots__ = ("_last", "_octets", "found")

    def __init__(self, possible: bool) -> None:
        self._last = b"\n"
        """What may be the beginning of the blank line; at first as if a line had just ended."""
        self._octets = 0
        self.found: bool | None = None if possible else False
        """None while it is not known."""

    def feed(self, octets: bytes) -> None:
        """Take the next octets of the message."""
        if self.found is not None:
            return
        seen = self._last + octets
        end = seen.find(BLANK_LINE)
        header = seen if end < 0 else seen[:end]
        self._octets += len(octets)
        self._last = seen[-2:]
        if not header.isascii():
            self.found = True
        elif end >= 0:
            self.found = False
        elif self._octets > HELD:
            self.found = True

    def finish(self) -> None:
        """The message has ended, all of it was header."""
        if self.found is None:
            self.found = False
