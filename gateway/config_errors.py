"""What is wrong with the configuration, told so that an administrator can mend it."""

from __future__ import annotations

import re
from pathlib import Path

_TABLE = re.compile(r"^\s*\[\s*([^\[\]]+?)\s*\]")
_KEY = re.compile(r"^\s*([A-Za-z0-9_.\"'\s-]+?)\s*=")


def one_line(text: str) -> str:
    """Return `text` on one line, with nothing in it that moves a terminal's cursor."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))


class ConfigError(Exception):
    """A mistake of the administrator's. Its text is one line: where, what, and what to do.

    @param problem: what is wrong.
    @param remedy: what to write or do instead.
    @param file: the file that is wrong.
    @param line: its line, 1 for the first.
    @param key: the setting ("[listen] pop3") or option ("--pop3").
    """

    def __init__(
        self,
        problem: str,
        remedy: str = "",
        *,
        file: Path | None = None,
        line: int | None = None,
        key: str | None = None,
    ) -> None:
        self.problem = problem
        self.remedy = remedy
        self.file = file
        self.line = line
        self.key = key
        super().__init__(one_line(self._text()))

    def _text(self) -> str:
        place = ""
        if self.file is not None:
            place = f"{self.file}, line {self.line}: " if self.line else f"{self.file}: "
        key = f"{self.key}: " if self.key else ""
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{place}{key}{self.problem}{remedy}"


def shown_key(key: str) -> str:
    """Return a dotted key as a person finds it in the file: "listen.pop3" is "[listen] pop3"."""
    table, dot, name = key.rpartition(".")
    return f"[{table}] {name}" if dot else key


def line_of(text: str, key: str) -> int | None:
    """Return the line (1 for the first) of a TOML text on which the dotted `key` is set.

    Where only its table is found (`listen = { pop3 = [...] }`), that is the line.
    """
    wanted = key.split(".")
    table: list[str] = []
    nearest: int | None = None
    depth = 0
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TABLE.match(line):
            table = _parts(header[1])
            path = table
        elif assignment := _KEY.match(line):
            path = table + _parts(assignment[1])
        else:
            continue
        if path == wanted:
            return number
        if path == wanted[: len(path)] and len(path) > depth:
            nearest, depth = number, len(path)
    return nearest


def _parts(key: str) -> list[str]:
    return [part.strip().strip("\"'") for part in key.split(".")]
