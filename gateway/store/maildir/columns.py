"""What is kept of each message of a listing: arrays, about 150 to 250 octets a message."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from copy import copy
from itertools import compress

from gateway.store.maildir.names import base_name, uidl
from gateway.store.maildir.slices import SLICE, let_others_run

_BLOCK = 4096

Found = tuple[str, str, str, int, int, int, int]
"""A message file: order key, base name, name, whether it is in cur/, inode, octets of the file,
canonical octets. A plain tuple, since there may be 100,000 of them, and they sort as they are."""


class Columns:
    """One entry for each message in each of these sequences, in the same order."""

    __slots__ = ("file_octets", "in_cur", "inodes", "names", "octets", "uidls")

    def __init__(self) -> None:
        self.names: list[str] = []
        """File names without folder, flags included."""
        self.in_cur = bytearray()
        """1 for a message in cur/, 0 for one in new/."""
        self.inodes = array("Q")
        self.file_octets = array("Q")
        """Size of the file when it was found."""
        self.octets = array("Q")
        """Canonical size."""
        self.uidls: list[str] = []

    def __len__(self) -> int:
        return len(self.names)

    def row(self, index: int) -> tuple[str, int, int, int, int]:
        """Return a message as the end of a `Found`."""
        return (
            self.names[index],
            self.in_cur[index],
            self.inodes[index],
            self.file_octets[index],
            self.octets[index],
        )

    def append(self, found: Sequence[Found]) -> None:
        """Append messages that were found, with unique-ids from their names."""
        _, bases, names, in_cur, inodes, file_octets, octets = zip(*found, strict=True)
        self.names.extend(names)
        self.in_cur.extend(in_cur)
        self.inodes.extend(inodes)
        self.file_octets.extend(file_octets)
        self.octets.extend(octets)
        self.uidls.extend(map(uidl, bases))

    def renamed(self, names: dict[int, tuple[str, int]]) -> Columns:
        """Return the same messages with other names and folders for some, by index."""
        columns = copy(self)
        columns.names, columns.in_cur = self.names[:], self.in_cur[:]
        for index, (name, in_cur) in names.items():
            columns.names[index] = name
            columns.in_cur[index] = in_cur
        return columns

    def extend(self, others: Columns, chosen: bytearray) -> None:
        """Append those of other messages whose entry in `chosen` is 1."""
        for start in range(0, len(others), _BLOCK):
            block = slice(start, start + _BLOCK)
            mask = chosen[block]
            self.names.extend(compress(others.names[block], mask))
            self.in_cur.extend(compress(others.in_cur[block], mask))
            self.inodes.extend(compress(others.inodes[block], mask))
            self.file_octets.extend(compress(others.file_octets[block], mask))
            self.octets.extend(compress(others.octets[block], mask))
            self.uidls.extend(compress(others.uidls[block], mask))
            let_others_run()

    def positions(self) -> dict[str, int]:
        """Map each base name to its index."""
        positions: dict[str, int] = {}
        for start in range(0, len(self), SLICE):
            bases = map(base_name, self.names[start : start + SLICE])
            positions.update(zip(bases, range(start, len(self)), strict=False))
            let_others_run()
        return positions
