"""Long work in slices, so that no thread holds the interpreter's lock for more than about 1 ms."""

from __future__ import annotations

import time
from bisect import bisect
from collections.abc import Hashable, Iterator
from itertools import islice
from typing import Any, TypeVar

SLICE = 256
"""How many entries of a long list are worked on between two calls of `let_others_run`."""

_BUCKET = 2048
_SAMPLES_A_BUCKET = 8

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item", bound=tuple[Any, ...])


def let_others_run() -> None:
    """Give up the interpreter's lock for a moment."""
    time.sleep(0)


def take_sorted(items: dict[Key, Item]) -> Iterator[list[Item]]:
    """Empty `items` and yield its values in order, list by list.

    One `list.sort` of 100,000 tuples, and even giving back their memory in one go, would hold the
    lock too long. So the values are first dealt out to buckets that follow one another.
    """
    count = len(items) // _BUCKET + 1
    stride = max(1, len(items) // (count * _SAMPLES_A_BUCKET))
    sample = sorted(islice(items.values(), 0, None, stride))
    borders = sample[_SAMPLES_A_BUCKET::_SAMPLES_A_BUCKET] if count > 1 else []
    buckets: list[list[Item]] = [[] for _ in range(len(borders) + 1)]
    while items:
        for _ in range(min(SLICE, len(items))):
            item = items.popitem()[1]
            buckets[bisect(borders, item)].append(item)
        let_others_run()
    buckets.reverse()
    while buckets:
        bucket = buckets.pop()
        if bucket:
            bucket.sort()
            yield bucket
            let_others_run()
