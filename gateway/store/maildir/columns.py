"""What is kept of each message of a listing: arrays, about 150 to 250 octets a message."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from copy import copy
from itertools import compress

from gateway.store.maildir.names import base_name
from gateway.store.maildir.slices import SLICE, let_others_run

_BLOCK = 4096


Row = tuple[str, int, int, int, int, str]
"""Of one message: file name, whether it is in cur/, inode, size of the file, canonical size,
unique-id."""


class Columns:
    """One entry for each message in each of these sequences, in the same order.

    No object for each message that the garbage collector knows: 100,000 of those would make it
    stop the process for tens of milliseconds.
    """

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
        """Unique-ids."""

    def __len__(self) -> int:
        return len(self.names)

    def append(self, row: Row) -> None:
        """Append one message."""
        name, in_cur, inode, file_octets, octets, unique_id = row
        self.names.append(name)
        self.in_cur.append(in_cur)
        self.inodes.append(inode)
        self.file_octets.append(file_octets)
        self.octets.append(octets)
        self.uidls.append(unique_id)

    def append_all(self, rows: list[Row]) -> None:
        """Append messages."""
        if rows:
            names, in_cur, inodes, file_octets, octets, uidls = zip(*rows, strict=True)
            self.names.extend(names)
            self.in_cur.extend(in_cur)
            self.inodes.extend(inodes)
            self.file_octets.extend(file_octets)
            self.octets.extend(octets)
            self.uidls.extend(uidls)

    def row(self, index: int) -> Row:
        """Return what `append` takes."""
        return (
            self.names[index],
            self.in_cur[index],
            self.inodes[index],
            self.file_octets[index],
            self.octets[index],
            self.uidls[index],
        )

    def gather(self, others: Columns, indexes: Iterable[int]) -> None:
        """Append some of other messages."""
        self.names.extend(map(others.names.__getitem__, indexes))
        self.uidls.extend(map(others.uidls.__getitem__, indexes))
        self.in_cur.extend(map(others.in_cur.__getitem__, indexes))
        self.inodes.extend(map(others.inodes.__getitem__, indexes))
        self.file_octets.extend(map(others.file_octets.__getitem__, indexes))
        self.octets.extend(map(others.octets.__getitem__, indexes))

    def renamed(self, names: dict[int, str], in_cur: dict[int, int]) -> Columns:
        """Return the same messages with other names and folders for some, by index."""
        columns = copy(self)
        columns.names, columns.in_cur = self.names[:], self.in_cur[:]
        for index, name in names.items():
            columns.names[index] = name
            columns.in_cur[index] = in_cur[index]
        return columns

    def extend(self, others: Columns, chosen: bytearray) -> None:
        """Append those of other messages whose entry in `chosen` is 1."""
        for start in range(0, len(chosen), _BLOCK):
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
