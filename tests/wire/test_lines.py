"""Lines and blocks taken from octets as they arrive."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire.lines import InputBuffer, OverlongLine
from tests.splits import all_ways

LIMIT = 20


def lines_of(blocks: list[bytes]) -> list[bytes | None]:
    """Take all lines as they come; None stands for an overlong one."""
    buffer = InputBuffer(LIMIT)
    lines: list[bytes | None] = []
    for block in blocks:
        buffer.feed(block)
        while True:
            try:
                line = buffer.take_line()
            except OverlongLine:
                lines.append(None)
                continue
            if line is None:
                break
            lines.append(line)
        assert len(buffer) <= LIMIT
    return lines


@pytest.mark.parametrize(
    ("octets", "lines"),
    [
        (b"", []),
        (b"STAT", []),
        (b"STAT\r\n", [b"STAT"]),
        (b"STAT\n", [b"STAT"]),
        (b"\r\n\n", [b"", b""]),
        (b"a\rb\r\r\nc", [b"a\rb\r"]),
        (b"x" * 18 + b"\r\n", [b"x" * 18]),
        (b"x" * 19 + b"\r\nSTAT\r\n", [None, b"STAT"]),
        (b"x" * 19 + b"\n" + b"y" * 20 + b"\nSTAT\r\n", [b"x" * 19, None, b"STAT"]),
        (b"x" * 5000 + b"\r\n" + b"y" * 5000 + b"\r\nSTAT\r\n", [None, None, b"STAT"]),
        (b"\0\xff\r\n", [b"\0\xff"]),
    ],
)
def test_lines(octets: bytes, lines: list[bytes | None]) -> None:
    for blocks in all_ways(octets):
        assert lines_of(blocks) == lines


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.sampled_from([b"a", b"\r", b"\n", b"\r\n", b"x" * 15])).map(b"".join), st.integers()
)
def test_lines_agree_with_the_reference(octets: bytes, seed: int) -> None:
    expected = [
        None if len(line) >= LIMIT else line.removesuffix(b"\r")
        for line in octets.split(b"\n")[:-1]
    ]
    for blocks in all_ways(octets, seed, randomly=3):
        assert lines_of(blocks) == expected


def test_the_rest_is_taken_as_a_block() -> None:
    buffer = InputBuffer(LIMIT)
    buffer.feed(b"DATA\r\nmessage\r\n")
    assert buffer.take_line() == b"DATA"
    assert len(buffer) == 9
    assert buffer.take_all() == b"message\r\n"
    assert len(buffer) == 0
    assert buffer.take_all() == b""


def test_what_is_put_back_comes_first() -> None:
    buffer = InputBuffer(LIMIT)
    buffer.feed(b"a\r\nb\r\n")
    assert buffer.take_line() == b"a"
    buffer.put_back(b"QUIT\r")
    buffer.put_back(b"")
    assert buffer.take_line() == b"QUIT\rb"
    buffer.feed(b"c\r\n")
    assert buffer.take_line() == b"c"


def test_what_was_cleared_is_gone() -> None:
    buffer = InputBuffer(LIMIT)
    buffer.feed(b"a\r\nb")
    buffer.clear()
    buffer.feed(b"c\n")
    assert buffer.take_line() == b"c"
    assert buffer.take_line() is None
