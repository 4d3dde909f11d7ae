"""What an import refuses."""

from __future__ import annotations


class SourceError(Exception):
    """What is to be imported cannot be read. The text says what, where, and what to do."""


class DamagedLine(Exception):
    """A line of a file cannot be understood.

    @param number: 1 for the first line.
    @param what: what is wrong with it, and what to do.
    """

    def __init__(self, number: int, what: str) -> None:
        super().__init__(f"line {number}: {what}")
        self.number = number
        self.what = what
