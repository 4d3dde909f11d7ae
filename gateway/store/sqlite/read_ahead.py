"""Messages that are read together: who fetches one and then the next mostly fetches all.

To ask the database costs more than to read a small message.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

TOGETHER_OCTETS = 65_536
"""So much is read in one go, as of a file."""
TOGETHER = 32
"""So many messages at most, however small."""
SMALL_OCTETS = 16_384
"""To read a larger one takes so long that nothing is gained."""
MOST_OCTETS = 4 * 1024 * 1024
"""What all sessions may hold. They are given as much as they ask for; who asked first gives way."""


class ReadAheads:
    """What all sessions of a store have read ahead."""

    def __init__(self, most_octets: int = MOST_OCTETS) -> None:
        self._most = most_octets
        self._holders: dict[ReadAhead, None] = {}
        self.octets = 0
        """How much that is."""

    def begun(self, holder: ReadAhead, octets: int) -> None:
        """A session that held nothing holds so much."""
        self.octets += octets
        self._holders[holder] = None
        while self.octets > self._most and len(self._holders) > 1:
            next(iter(self._holders)).clear()

    def released(self, holder: ReadAhead, octets: int, *, all_of_it: bool) -> None:
        """A session holds so much less, or nothing any more."""
        self.octets -= octets
        if all_of_it:
            del self._holders[holder]


class ReadAhead:
    """What one session has read ahead.

    @param sizes: octets of the messages, by index.
    """

    def __init__(self, shared: ReadAheads, sizes: Sequence[int]) -> None:
        self._shared = shared
        self._sizes = sizes
        self._ready: dict[int, bytes] = {}
        self._next = -1

    def take(self, index: int) -> bytes | None:
        """Return a message that was read ahead, and forget it; None if it was not."""
        content = self._ready.pop(index, None)
        if content is not None:
            self._next = index + 1
            self._shared.released(self, len(content), all_of_it=not self._ready)
        return content

    def count_from(self, index: int) -> int:
        """Say how many messages, from one that is wanted now, are to be read together."""
        follows = index == self._next
        self._next = index + 1
        if not follows:
            self.clear()
        if not follows or self._sizes[index] > SMALL_OCTETS:
            return 1
        count = octets = 0
        for size in self._sizes[index : index + TOGETHER]:
            octets += size
            if octets > TOGETHER_OCTETS:
                break
            count += 1
        return count

    def keep(self, index: int, contents: Iterable[bytes]) -> None:
        """Hold messages, from one on, that were read."""
        ready = dict(enumerate(contents, index))
        if ready:
            self.clear()
            self._ready = ready
            self._shared.begun(self, sum(map(len, ready.values())))

    def clear(self) -> None:
        """Forget all."""
        if self._ready:
            octets = sum(map(len, self._ready.values()))
            self._ready = {}
            self._shared.released(self, octets, all_of_it=True)
