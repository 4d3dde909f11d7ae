"""Numbers that come from the database as text, a block at a time, and are made when they are read.

SQLite joins a column of many rows in one step, for which it needs the interpreter's lock once. A
first poll looks at sizes and unique-ids only; where the messages lie is needed for the few that are
fetched.
"""

from __future__ import annotations

from array import array

BLOCK = 1000
"""How many rows come in one text."""


class Column:
    """A column of whole numbers, read by index."""

    __slots__ = ("_blocks", "_length")

    def __init__(self) -> None:
        self._blocks: list[str | array[int]] = []
        self._length = 0

    def append(self, text: str, count: int) -> None:
        """Add a block. Only the last may have fewer than `BLOCK` numbers.

        @param text: the numbers, with commas between them.
        @param count: how many they are.
        """
        self._blocks.append(text)
        self._length += count

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> int:
        number, at = divmod(index, BLOCK)
        block = self._blocks[number]
        if isinstance(block, str):
            block = self._blocks[number] = array("q", map(int, block.split(",")))
        return block[at]
