"""Long work in slices, so that no thread holds the interpreter's lock for more than about 1 ms."""

from __future__ import annotations

import time
from bisect import bisect
from collections.abc import Iterator, Sequence

SLICE = 256
"""How many entries of a long list are worked on between two calls of `let_others_run`."""

_BUCKET = 2048
_SAMPLES = 8


def let_others_run() -> None:
    """Give up the interpreter's lock for a moment."""
    time.sleep(0)


def free_in_slices(texts: list[str]) -> None:
    """Empty a list. Giving back the memory of 100,000 texts in one go would take too long, too."""
    while texts:
        del texts[-_BUCKET:]
        let_others_run()


def sorted_in_slices(indexes: Sequence[int], places: Sequence[str]) -> Iterator[list[int]]:
    """Yield indexes in the order of the text in `places` at each of them, list by list.

    One `list.sort` of 100,000 texts would hold the lock too long. So the indexes are first dealt
    out to buckets that follow one another.
    """
    count = len(indexes) // _BUCKET + 1
    sample = sorted(places[i] for i in indexes[:: len(indexes) // (count * _SAMPLES) + 1])
    borders = sample[_SAMPLES::_SAMPLES] if count > 1 else []
    buckets: list[list[int]] = [[] for _ in range(len(borders) + 1)]
    for start in range(0, len(indexes), SLICE):
        for index in indexes[start : start + SLICE]:
            buckets[bisect(borders, places[index])].append(index)
        let_others_run()
    for bucket in buckets:
        if bucket:
            bucket.sort(key=places.__getitem__)
            yield bucket
            let_others_run()
