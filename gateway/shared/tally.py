"""What workers have delivered to mailboxes, so that each can add what the others did."""

from __future__ import annotations

from typing import NamedTuple

from gateway.shared.memory import KeyedHash, shared_memory

_CELLS = 4096
_PART = 2 * _CELLS


class Delivered(NamedTuple):
    """Sums since the gateway was started."""

    messages: int
    octets: int


class SharedTally:
    """Sums for each mailbox; never too low, too high where a hash has two mailboxes share a cell.

    The sums of a worker that died stay: its successor adds to them.

    @param workers: how many processes deliver.
    """

    def __init__(self, workers: int) -> None:
        self._cells = memoryview(shared_memory(8 * _PART * workers)).cast("Q")
        self._parts = range(0, _PART * workers, _PART)
        self._hash = KeyedHash()
        self._own = 0

    def begin(self, number: int) -> None:
        """This process is worker `number` from now on."""
        self._own = self._parts[number]

    def add(self, name: str, octets: int) -> None:
        """This worker has delivered a message to a mailbox."""
        cell = self._own + self._cell(name)
        self._cells[cell] += 1
        self._cells[cell + 1] += octets

    def elsewhere(self, name: str) -> Delivered:
        """Return what the other workers have delivered to a mailbox."""
        cell, cells = self._cell(name), self._cells
        others = [part + cell for part in self._parts if part != self._own]
        return Delivered(sum(cells[at] for at in others), sum(cells[at + 1] for at in others))

    def _cell(self, name: str) -> int:
        return 2 * (self._hash.number(name) % _CELLS)
