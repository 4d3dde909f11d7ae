"""The ways in which the same octets may arrive."""

from __future__ import annotations

import random
from collections.abc import Iterator


def all_ways(octets: bytes, seed: int = 0, randomly: int = 8) -> Iterator[list[bytes]]:
    """Yield `octets` whole, byte by byte, and split at random places.

    @param seed: the same seed gives the same splits.
    @param randomly: how many random splits.
    """
    yield [octets]
    yield [octets[at : at + 1] for at in range(len(octets))]
    source = random.Random(seed)
    for _ in range(randomly):
        yield split_randomly(octets, source)


def split_randomly(octets: bytes, source: random.Random) -> list[bytes]:
    """Split `octets` into blocks, most of them small, empty ones included."""
    blocks = []
    at = 0
    while at < len(octets):
        length = source.choice((0, 1, 1, 2, 3, 5, 17, 100, 1000))
        blocks.append(octets[at : at + length])
        at += length
    return blocks
