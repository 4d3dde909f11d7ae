"""The values between the parentheses of an SQL INSERT."""

from __future__ import annotations

import re

_STRING = r"'(?:[^'\\]|''|\\.)*'"
_STANDARD_STRING = r"'(?:[^']|'')*'"
_WORD = r"[^,()'\s]+"
_ESCAPES = {"0": "\0", "n": "\n", "r": "\r", "t": "\t", "b": "\b", "Z": "\x1a"}


class Values:
    """Reads rows.

    @param backslashes: whether a backslash escapes what follows it in a string (MySQL, MariaDB).
    """

    def __init__(self, backslashes: bool) -> None:
        self._backslashes = backslashes
        string = _STRING if backslashes else _STANDARD_STRING
        introducer = r"(?:_[a-z0-9]+\s+|[EeNnXx])?"
        value = rf"(?:{introducer}{string}|{_WORD}(?:\s*\([^()']*\))?)"
        self._value = re.compile(rf"\s*({value})\s*([,)])", re.DOTALL)

    def row(self, text: str, at: int) -> tuple[list[str], int] | None:
        """Read one row.

        @param at: where it stands, behind its opening parenthesis.
        @return: its values and where it ends; None where it is none.
        """
        row: list[str] = []
        while True:
            match = self._value.match(text, at)
            if match is None:
                return None
            row.append(self._plain(match[1]))
            at = match.end()
            if match[2] == ")":
                return row, at

    def _plain(self, value: str) -> str:
        quote = value.find("'")
        if quote < 0:
            return "" if value.upper() == "NULL" else value
        text = value[quote + 1 : -1].replace("''", "'")
        if not self._backslashes:
            return text
        return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), text, flags=re.DOTALL)
