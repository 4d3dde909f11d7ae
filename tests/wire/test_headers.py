"""The end of the header, and the answer to TOP, from blocks."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire.headers import HeaderScanner, TopCutter
from tests.splits import all_ways

HEADER = b"Received: from a by b;\r\n\tfolded\r\nSubject: x\r\n \r\nTo: y\r\n"
BODY = b"Received: in the body\r\n\r\nmore\r\n"


def scan(blocks: list[bytes], limit: int = 262_144) -> tuple[bytes, bool]:
    scanner = HeaderScanner(limit)
    for block in blocks:
        scanner.feed(block)
    return scanner.header, scanner.complete


def top(blocks: list[bytes], lines: int) -> tuple[bytes, bool]:
    cutter = TopCutter(lines)
    return b"".join([cutter.feed(block) for block in blocks]), cutter.done


class TestHeaderScanner:
    def test_collects_the_header_only(self) -> None:
        for blocks in all_ways(HEADER + b"\r\n" + BODY):
            assert scan(blocks) == (HEADER, True)

    def test_a_message_that_begins_with_a_blank_line_has_no_header(self) -> None:
        for blocks in all_ways(b"\r\n" + BODY):
            assert scan(blocks) == (b"", True)

    def test_a_message_without_a_blank_line_is_all_header(self) -> None:
        for blocks in all_ways(HEADER):
            assert scan(blocks) == (HEADER, False)

    def test_an_empty_message(self) -> None:
        assert scan([]) == (b"", False)

    def test_keeps_no_more_than_the_limit(self) -> None:
        field = b"Received: x\r\n"
        for blocks in all_ways(field * 100):
            assert scan(blocks, limit=10 * len(field)) == (field * 10, True)

    def test_a_header_as_long_as_the_limit_is_kept_whole(self) -> None:
        for blocks in all_ways(HEADER + b"\r\n" + BODY):
            assert scan(blocks, limit=len(HEADER) + 2) == (HEADER, True)


class TestTopCutter:
    @pytest.mark.parametrize(
        ("lines", "wanted", "done"),
        [
            (0, b"A: b\r\n\r\n", True),
            (1, b"A: b\r\n\r\none\r\n", True),
            (2, b"A: b\r\n\r\none\r\n\r\n", True),
            (3, b"A: b\r\n\r\none\r\n\r\n.three\r\n", True),
            (4, b"A: b\r\n\r\none\r\n\r\n.three\r\n", False),
            (10**9, b"A: b\r\n\r\none\r\n\r\n.three\r\n", False),
        ],
    )
    def test_passes_header_and_lines(self, lines: int, wanted: bytes, done: bool) -> None:
        for blocks in all_ways(b"A: b\r\n\r\none\r\n\r\n.three\r\n"):
            assert top(blocks, lines) == (wanted, done)

    def test_a_message_that_begins_with_a_blank_line(self) -> None:
        for blocks in all_ways(b"\r\none\r\ntwo\r\n"):
            assert top(blocks, 0) == (b"\r\n", True)
            assert top(blocks, 1) == (b"\r\none\r\n", True)

    def test_a_message_without_a_blank_line_passes_whole(self) -> None:
        for blocks in all_ways(HEADER):
            assert top(blocks, 0) == (HEADER, False)

    def test_nothing_passes_once_it_is_done(self) -> None:
        cutter = TopCutter(0)
        assert cutter.feed(b"A: b\r\n\r\nbody") == b"A: b\r\n\r\n"
        assert cutter.feed(b"more\r\n") == b""

    @settings(deadline=None, max_examples=300)
    @given(
        st.lists(st.sampled_from([b"\r\n", b"a", b"A: b\r\n", b"\r"])).map(b"".join),
        st.integers(0, 5),
        st.integers(),
    )
    def test_agrees_with_the_reference(self, message: bytes, lines: int, seed: int) -> None:
        head, blank, body = (b"\r\n" + message).partition(b"\r\n\r\n")
        wanted_body = b"".join(line + b"\r\n" for line in body.split(b"\r\n")[:lines])
        wanted = (head + blank)[2:] + wanted_body
        for blocks in all_ways(message, seed, randomly=3):
            passed, done = top(blocks, lines)
            if done:
                assert passed == wanted
            else:
                assert passed == message
                assert not blank or body.count(b"\r\n") < lines
