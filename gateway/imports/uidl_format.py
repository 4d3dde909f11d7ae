"""Dovecot's setting pop3_uidl_format: from the values of a message to its unique-id.

Both ways of writing it are read: that of Dovecot 2.3 and before ("%08Xu%08Xv", "%{guid}"), and
that of 2.4 ("%{uid | hex(8)}%{uidvalidity | hex(8)}").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

DEFAULT_FORMAT = "%08Xu%08Xv"

_KEYS = {"u": "uid", "v": "uidvalidity", "f": "filename", "g": "guid", "m": "md5"}
_NUMBERS = frozenset({"uid", "uidvalidity"})
_PIECE = re.compile(
    r"%(?:(?P<percent>%)|\{(?P<long>[^}]*)\}"
    r"|(?P<zero>0?)(?P<width>[0-9]{0,3})(?P<modifiers>[A-Z]*)(?P<key>[a-z]))|(?P<text>[^%]+)"
)
_FILTER = re.compile(r"(hex|upper|lower)(?:\(\s*([0-9]{1,3})\s*\))?")

Values = Mapping[str, str]
"""The values of one message: "uid", "uidvalidity", "filename", "guid"."""

_Step = Callable[[str], str]


class FormatError(Exception):
    """The format cannot be read. The text says why, and what can be."""


class UidlFormat:
    """A format that has been read.

    @raise FormatError: it cannot be.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._pieces = _read(text)
        self.needs_md5 = any(name == "md5" for name, _ in self._pieces)
        """Whether it asks for the MD5 of the header, which Dovecot has of mbox files only."""

    def render(self, values: Values) -> str:
        """Return the unique-id of a message; the format must not need its MD5."""
        return "".join(step(values[name] if name else "") for name, step in self._pieces)


def _read(text: str) -> list[tuple[str, _Step]]:
    """Return pairs: the name of a value, "" for none, and what is done with it."""
    pieces: list[tuple[str, _Step]] = []
    at = 0
    while at < len(text):
        match = _PIECE.match(text, at)
        if match is None:
            raise _error(text, f"what stands at {text[at : at + 6]!r} is not known")
        pieces.append(_read_piece(text, match))
        at = match.end()
    if not any(name in ("uid", "filename", "guid", "md5") for name, _ in pieces):
        raise _error(text, "it has nothing in it that differs between messages")
    return pieces


def _read_piece(text: str, match: re.Match[str]) -> tuple[str, _Step]:
    if match["text"] is not None:
        literal = match["text"]
        return "", lambda _: literal
    if match["percent"]:
        return "", lambda _: "%"
    if match["long"] is not None:
        return _read_long(text, match["long"])
    name = _KEYS.get(match["key"])
    if name is None:
        raise _error(text, f"%{match['key']} is not known")
    return name, _short_step(text, name, match)


def _short_step(text: str, name: str, match: re.Match[str]) -> _Step:
    """Dovecot applies the modifiers in order, then the width."""
    steps = [_modifier(text, name, letter) for letter in match["modifiers"]]
    width = int(match["width"] or 0)

    def step(value: str) -> str:
        for each in steps:
            value = each(value)
        if match["zero"]:
            return value.rjust(width, "0")
        return value[:width] if width else value

    return step


def _modifier(text: str, name: str, letter: str) -> _Step:
    if letter == "X" and name in _NUMBERS:
        return lambda value: f"{int(value):x}"
    if letter == "L":
        return str.lower
    if letter == "U":
        return str.upper
    raise _error(text, f"the modifier {letter} of %{letter}{name[0]} is not known")


def _read_long(text: str, inside: str) -> tuple[str, _Step]:
    name, *filters = (part.strip() for part in inside.split("|"))
    if name not in _KEYS.values():
        raise _error(text, f"%{{{name}}} is not known")
    steps = [_filter(text, name, part) for part in filters]

    def step(value: str) -> str:
        for each in steps:
            value = each(value)
        return value

    return name, step


def _filter(text: str, name: str, part: str) -> _Step:
    match = _FILTER.fullmatch(part)
    if match is None or (match[1] == "hex" and name not in _NUMBERS):
        raise _error(text, f"the filter {part!r} is not known")
    if match[1] == "hex":
        width = int(match[2] or 0)
        return lambda value: f"{int(value):x}".rjust(width, "0")
    return str.upper if match[1] == "upper" else str.lower


def _error(text: str, why: str) -> FormatError:
    return FormatError(
        f"the format {text!r} cannot be read: {why}; what can be is %u, %v, %f, %g and %m, with X, "
        "L or U and a width before the letter, as in %08Xu%08Xv"
    )
