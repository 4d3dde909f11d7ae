"""How fast the codecs of `gateway.wire` are, in MB/s of input. Run: python bench/wire.py"""

from __future__ import annotations

import random
import sys
import timeit
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from gateway.wire.dots import BlockChecker, DataDecoder, DotEncoder
from gateway.wire.newlines import CanonicalSize, CRLFEncoder, LFEncoder

BLOCK = 65_536


def text(line_end: bytes) -> bytes:
    """Make a block of lines of usual length."""
    source = random.Random(1)
    letters = b"abcdefghijklmnopqrstuvwxyz     ,.<>="
    lines = (bytes(source.choices(letters, k=source.randint(10, 76))) for _ in range(3000))
    return line_end.join(b"x" + line for line in lines)[:BLOCK]


def measure(name: str, call: Callable[[bytes], object], block: bytes) -> None:
    """Print the best of several runs."""
    rounds = 200
    seconds = min(timeit.repeat(lambda: call(block), number=rounds, repeat=5)) / rounds
    print(f"{name:<40}{len(block) / seconds / 1e6:10.0f} MB/s")


def main() -> None:
    """Measure every codec on clean text, and the slower paths of some."""
    crlf, lf = text(b"\r\n"), text(b"\n")
    dotted = crlf.replace(b"\r\n", b"\r\n..")[:BLOCK]
    mixed = crlf.replace(b"\r\n", b"\n", 1)
    for kind, block in (("clean", crlf), ("all lines stuffed", dotted)):
        measure(f"DataDecoder, {kind}", DataDecoder().feed, block)
        measure(f"DotEncoder, {kind}", DotEncoder().encode, block)
    measure("DataDecoder, normalise, a bare LF", DataDecoder("normalise").feed, mixed)
    measure("BlockChecker", BlockChecker().feed, crlf)
    for kind, block in (("LF", lf), ("CRLF", crlf), ("mixed", mixed)):
        measure(f"CRLFEncoder, {kind}", CRLFEncoder().encode, block)
        measure(f"CanonicalSize, {kind}", CanonicalSize().feed, block)
    measure("LFEncoder", LFEncoder().encode, crlf)


if __name__ == "__main__":
    main()
