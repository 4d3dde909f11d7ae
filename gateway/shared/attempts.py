"""Attempts to log in that are under way in other workers, or were wrong a moment ago."""

from __future__ import annotations

import math
import struct
from collections import deque
from collections.abc import Callable, Iterator

from gateway.shared.memory import KeyedHash, shared_memory

ENTRIES = 1024
"""Of each worker; further attempts at the same time are not told to the others."""
_ENTRY = struct.Struct("=8s2s6xd8x")
"""Whose it is, the digest of the password, until when it counts: 32 octets."""
_PART = ENTRIES * _ENTRY.size
LINGER_SECONDS = 1.0
"""So long a wrong one is told here: until it is in the file that all workers read."""


class SharedAttempts:
    """Tells each worker of the attempts in the others.

    @param workers: how many processes there are.
    @param clock: the same in all of them, such as `time.time`.
    """

    def __init__(self, workers: int, clock: Callable[[], float]) -> None:
        self._memory = shared_memory(_PART * workers)
        self._parts = range(0, _PART * workers, _PART)
        self._clock = clock
        self._hash = KeyedHash()
        self._own = 0
        self._free = list(range(ENTRIES))
        self._lingering: deque[tuple[float, int]] = deque()

    def begin(self, number: int) -> None:
        """This process is worker `number` from now on."""
        self._own = self._parts[number]

    def forget(self, number: int) -> None:
        """Worker `number` is no more."""
        part = self._parts[number]
        self._memory[part : part + _PART] = bytes(_PART)

    def begun(self, user: str, network: str, digest: bytes) -> int | None:
        """Tell of an attempt; return its number, None where there is no room."""
        now = self._clock()
        while self._lingering and self._lingering[0][0] < now:
            self._free.append(self._lingering.popleft()[1])
        if not self._free:
            return None
        number = self._free.pop()
        self._put(number, self._hash.octets(user, network), digest, math.inf)
        return number

    def ended(self, number: int, *, wrong: bool) -> None:
        """An attempt is over; a wrong one counts a little longer."""
        if not wrong:
            self._put(number, b"", b"", 0.0)
            self._free.append(number)
            return
        until = self._clock() + LINGER_SECONDS
        whose, digest, _ = _ENTRY.unpack_from(self._memory, self._place(number))
        self._put(number, whose, digest, until)
        self._lingering.append((until, number))

    def elsewhere(self, user: str, network: str) -> set[bytes]:
        """Return the digests of the passwords of a pair that are tried in other workers now."""
        whose, now = self._hash.octets(user, network), self._clock()
        return {
            digest
            for part in self._parts
            if part != self._own
            for digest, until in self._find(whose, part)
            if until >= now
        }

    def _find(self, whose: bytes, part: int) -> Iterator[tuple[bytes, float]]:
        at = self._memory.find(whose, part, part + _PART)
        while at >= 0:
            if not at % _ENTRY.size:
                _, digest, until = _ENTRY.unpack_from(self._memory, at)
                yield digest, until
            at = self._memory.find(whose, at + 1, part + _PART)

    def _put(self, number: int, whose: bytes, digest: bytes, until: float) -> None:
        _ENTRY.pack_into(self._memory, self._place(number), whose, digest, until)

    def _place(self, number: int) -> int:
        return self._own + number * _ENTRY.size
