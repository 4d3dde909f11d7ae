"""An internationalized message as a client without UTF8 can take it (RFC 6856, RFC 6858).

The headers of the message, of its parts (MIME) and of messages within it become ASCII; bodies stay
as they are. The codec is pushed blocks of any size.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from gateway.wire.ascii_header import ascii_field, fields_of, split_field

HEADER_LIMIT = 131_072
"""Octets of the largest header that is converted."""
_DELIMITER_LIMIT = 250
"""Octets of the longest line that may be a delimiter: boundaries have up to 70."""
_DEPTH_LIMIT = 50
"""Multiparts within one another that are looked into."""
_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))', re.IGNORECASE)
_PLAIN_ENCODINGS = frozenset({"", "7bit", "8bit", "binary"})


class CannotDowngrade(ValueError):
    """The message has no form for such a client."""


class _Multipart(NamedTuple):
    """A body with parts that we are within."""

    delimiter: bytes
    digest: bool


class Downgrader:
    """Converts one message.

    Both methods raise `CannotDowngrade`, where a header is longer than `HEADER_LIMIT`.
    """

    def __init__(self) -> None:
        self._held = b""
        self._at = 0
        """Where in `_held` begins what was not yet said."""
        self._multiparts: list[_Multipart] = []
        self._take: Callable[[], bytes | None] = self._header
        self._at_line_start = True
        self._default_kind = ""
        """What a body is whose header does not say it (RFC 2046 section 5.1.5)."""
        self._ended = False

    def encode(self, block: bytes) -> bytes:
        """Return what can be said of the converted message after the next octets."""
        self._held = self._held[self._at :] + block
        self._at = 0
        out = []
        while self._at < len(self._held) and (part := self._take()) is not None:
            out.append(part)
        return b"".join(out)

    def finish(self) -> bytes:
        """Return the rest. The message has ended."""
        self._ended = True
        return self.encode(b"")

    def _cut(self, end: int) -> bytes:
        octets = self._held[self._at : end]
        self._at = end
        return octets

    # Headers ---------------------------------------------------------------------------------

    def _header(self) -> bytes | None:
        """Convert a header, when all of it is there."""
        end = self._header_end()
        complete = end >= 0
        if not complete:
            end = len(self._held)
        if end - self._at > HEADER_LIMIT:
            raise CannotDowngrade(f"a header is longer than {HEADER_LIMIT} octets")
        if not complete and not self._ended:
            return None
        delimiter = self._delimiter_within(end)
        if delimiter is not None:
            self._take = self._parts
            self._at_line_start = True
            return _converted(fields_of(self._cut(delimiter)))
        fields = fields_of(self._cut(end))
        return self._enter_body(fields) + (self._cut(end + 2) if complete else b"")

    def _header_end(self) -> int:
        """Return where the blank line after the header begins, -1 if it is not there yet."""
        if self._held.startswith(b"\r\n", self._at):
            return self._at
        end = self._held.find(b"\r\n\r\n", self._at)
        return end + 2 if end >= 0 else -1

    def _delimiter_within(self, end: int) -> int | None:
        """Return where a part ends that has a header only, and not even a blank line."""
        at = self._at
        while self._multiparts and 0 <= at < end:
            if self._held.startswith(b"--", at):
                line_end = self._held.find(b"\r\n", at)
                if self._find_delimiter(at, line_end) is not None:
                    return at
            following = self._held.find(b"\r\n--", at, end)
            at = following + 2 if following >= 0 else -1
        return None

    def _enter_body(self, fields: list[bytes]) -> bytes:
        """Find out what follows a header; return the header converted."""
        content_type = _value_of(fields, "content-type")
        kind = content_type.partition(";")[0].strip().lower() or self._default_kind
        self._default_kind = ""
        encoding = _value_of(fields, "content-transfer-encoding").lower()
        self._at_line_start = True
        if kind in ("message/rfc822", "message/global") and encoding in _PLAIN_ENCODINGS:
            self._take = self._header
            return _converted(fields, global_becomes_rfc822=True)
        boundary = _BOUNDARY.search(content_type) if kind.startswith("multipart/") else None
        if boundary is not None and len(self._multiparts) < _DEPTH_LIMIT:
            text = boundary[1] if boundary[1] is not None else boundary[2]
            delimiter = b"--" + text.encode("utf-8", "replace")
            self._multiparts.append(_Multipart(delimiter, kind == "multipart/digest"))
        self._take = self._parts if self._multiparts else self._rest
        return _converted(fields)

    # Bodies ----------------------------------------------------------------------------------

    def _rest(self) -> bytes:
        """Pass everything: no header can follow."""
        return self._cut(len(self._held))

    def _parts(self) -> bytes | None:
        """Pass what precedes the next delimiter; pass the delimiter, and await a header."""
        held, at = self._held, self._at
        if not (self._at_line_start and held.startswith(b"--", at)):
            return self._up_to_hyphens()
        end = held.find(b"\r\n", at, at + _DELIMITER_LIMIT)
        if end < 0 and not self._ended and len(held) - at < _DELIMITER_LIMIT:
            return None
        depth = self._find_delimiter(at, end) if end >= 0 else None
        if depth is None:
            self._at_line_start = False
            return self._cut(at + 2)
        closed = held[at:end].rstrip(b" \t") != self._multiparts[depth].delimiter
        del self._multiparts[depth if closed else depth + 1 :]
        if not closed:
            self._take = self._header
            self._default_kind = "message/rfc822" if self._multiparts[-1].digest else ""
        elif not self._multiparts:
            self._take = self._rest
        return self._cut(end + 2)

    def _up_to_hyphens(self) -> bytes | None:
        """Pass octets up to a line that begins as delimiters do."""
        found = self._held.find(b"\r\n--", self._at)
        if found >= 0:
            self._at_line_start = True
            return self._cut(found + 2)
        # What may be the beginning of CRLF and two hyphens waits.
        end = len(self._held) - (0 if self._ended else 3)
        if end <= self._at:
            return None
        self._at_line_start = False
        return self._cut(end)

    def _find_delimiter(self, at: int, end: int) -> int | None:
        """Return which multipart, counted from the outermost, the line is a delimiter of."""
        line = self._held[at:end].rstrip(b" \t")
        for depth in range(len(self._multiparts) - 1, -1, -1):
            delimiter = self._multiparts[depth].delimiter
            if line in (delimiter, delimiter + b"--"):
                return depth
        return None


def _value_of(fields: list[bytes], wanted: str) -> str:
    """Return the value of the first field of a name, "" where there is none."""
    for field in fields:
        if field[: len(wanted)].lower() == wanted.encode("ascii"):
            name, value = split_field(field)
            if name == wanted:
                return value
    return ""


def _converted(fields: list[bytes], *, global_becomes_rfc822: bool = False) -> bytes:
    out = []
    for field in fields:
        name = field[:13].lower()
        if global_becomes_rfc822 and name == b"content-type:":
            field = re.sub(rb"(?i)message/global", b"message/rfc822", field, count=1)
        out.append(ascii_field(field))
    return b"".join(out)
