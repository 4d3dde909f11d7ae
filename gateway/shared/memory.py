"""Memory that a process shares with those it forks."""

from __future__ import annotations

import mmap
from hashlib import blake2b
from secrets import token_bytes


def shared_memory(octets: int) -> mmap.mmap:
    """Return memory, all zero, for this process and all that it forks from now on."""
    return mmap.mmap(-1, octets)


class KeyedHash:
    """Turns texts into numbers that nobody outside can foresee, the same in all workers."""

    def __init__(self) -> None:
        self._key = token_bytes(16)

    def octets(self, *texts: str, size: int = 8) -> bytes:
        """Return `size` octets, the same for the same texts."""
        joined = "\0".join(texts).encode("utf-8", "surrogatepass")
        return blake2b(joined, key=self._key, digest_size=size).digest()

    def number(self, *texts: str) -> int:
        """Return a number below 2 ** 64, the same for the same texts."""
        return int.from_bytes(self.octets(*texts), "little")
