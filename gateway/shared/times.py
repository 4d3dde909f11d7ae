"""When something last happened to somebody, in whichever worker."""

from __future__ import annotations

import struct

from gateway.shared.memory import KeyedHash, shared_memory

_BUCKETS = 1 << 14
_BUCKET = struct.Struct("=16sd16sd16sd16sd")
_CELL = struct.Struct("=16sd")


class SharedTimes:
    """The last time for each name. Of 65,000 names the oldest ones are forgotten first.

    Every worker writes everywhere, and what a worker that died has written stays true.
    """

    def __init__(self) -> None:
        self._memory = shared_memory(_BUCKETS * _BUCKET.size)
        self._hash = KeyedHash()

    def get(self, name: str) -> float | None:
        """Return the time of a name, None where none is known."""
        mark, bucket = self._find(name)
        cells = _BUCKET.unpack_from(self._memory, bucket)
        for at in range(0, len(cells), 2):
            if cells[at] == mark:
                return float(cells[at + 1])
        return None

    def put(self, name: str, time: float) -> None:
        """Take note of the time of a name."""
        mark, bucket = self._find(name)
        cells = _BUCKET.unpack_from(self._memory, bucket)
        marks, times = cells[::2], cells[1::2]
        place = marks.index(mark) if mark in marks else times.index(min(times))
        _CELL.pack_into(self._memory, bucket + place * _CELL.size, mark, time)

    def _find(self, name: str) -> tuple[bytes, int]:
        mark = self._hash.octets(name, size=16)
        return mark, int.from_bytes(mark[:4], "little") % _BUCKETS * _BUCKET.size
