"""How many connections there are, in all and from an address, over all workers."""

from __future__ import annotations

from gateway.shared.memory import KeyedHash, shared_memory

_COLUMNS = 1 << 14
_LIVE, _TAKEN, _SERVES, _ROWS = 0, 1, 2, 3
_PART = _ROWS + 2 * _COLUMNS
"""Cells of one worker: all that live, all that ever were, whether it serves, and two rows."""
_SLACK = 6
_MOST_SLACK = 24
"""So many more connections than another a worker may have, between these half as many more: who is
busy is not to wait for the exact balance, and to take many at once costs less than one by one."""
_MOST = 64
"""How many a worker takes at once where no other serves."""
_FEW = 3
_RUN = 8
"""How many connections in a row a worker takes while it has few at a time."""
_REMEMBERED = 4096
"""So many names are not hashed again."""


class SharedCounts:
    """Counts by name, in cells that a hash picks (a count-min sketch): exact for the sum, and for a
    name never too low. It is too high only where other names share both of its two cells, which
    nobody can bring about, since the hash has a secret key.

    @param workers: how many processes count.
    """

    def __init__(self, workers: int) -> None:
        self._cells = memoryview(shared_memory(8 * _PART * workers)).cast("Q")
        self._parts = range(0, _PART * workers, _PART)
        self._hash = KeyedHash()
        self._own = 0
        self._others: list[int] = []
        self._found: dict[str, tuple[int, int]] = {}

    def begin(self, number: int) -> None:
        """This process is worker `number` from now on."""
        self._own = self._parts[number]
        self._others = [part for part in self._parts if part != self._own]
        # Not to be the first choice until it has caught up with the others.
        self._cells[self._own + _TAKEN] = max(self._cells[part + _TAKEN] for part in self._parts)

    def serve(self, serves: bool) -> None:
        """This worker takes connections from now on, or no more."""
        self._cells[self._own + _SERVES] = serves

    def forget(self, number: int) -> None:
        """Worker `number` is no more."""
        part = self._parts[number]
        self._cells[part : part + _PART] = memoryview(bytes(8 * _PART)).cast("Q")

    def enter(self, name: str) -> None:
        """There is one more of a name in this worker."""
        self._cells[self._own + _TAKEN] += 1
        self._add(name, 1)

    def leave(self, name: str) -> None:
        """There is one less of a name in this worker."""
        self._add(name, -1)

    def _add(self, name: str, count: int) -> None:
        self._cells[self._own + _LIVE] += count
        for column in self._columns(name):
            self._cells[self._own + column] += count

    def total(self) -> int:
        """Return how many there are of all names."""
        cells = self._cells
        return sum(cells[part + _LIVE] for part in self._parts)

    def of(self, name: str) -> int:
        """Return how many there are of a name."""
        cells = self._cells
        return min(
            sum(cells[part + column] for part in self._parts) for column in self._columns(name)
        )

    def room(self) -> int:
        """Return how many connections this worker may take before another should, 0 for none."""
        cells = self._cells
        live, taken = cells[self._own + _LIVE], cells[self._own + _TAKEN]
        room = _MOST
        for part in self._others:
            if not cells[part + _SERVES]:
                continue
            if live < _FEW and taken // _RUN > cells[part + _TAKEN] // _RUN:
                return 0
            others = cells[part + _LIVE]
            slack = min(_SLACK + others // 2, _MOST_SLACK)
            room = min(room, others + slack - live)
        return max(room, 0)

    def _columns(self, name: str) -> tuple[int, int]:
        columns = self._found.get(name)
        if columns is None:
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            number = self._hash.number(name)
            columns = _ROWS + number % _COLUMNS, _ROWS + _COLUMNS + (number >> 32) % _COLUMNS
            self._found[name] = columns
        return columns
