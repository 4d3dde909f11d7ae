"""Dot-stuffing in both directions, and the refusal of what is not a line end."""

from __future__ import annotations

import io
import poplib
import random
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire.dots import BareNewlines, BlockChecker, DataDecoder, DotEncoder
from tests.splits import all_ways

wire_octets = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"a", b"\0", b"\r\n.", b"\r\n.\r\n"])
).map(b"".join)
limited = settings(deadline=None, max_examples=300)


def decode(
    blocks: list[bytes], bare_newlines: BareNewlines = "refuse"
) -> tuple[bytes, bool, bytes, str | None]:
    decoder = DataDecoder(bare_newlines)
    octets = b"".join([decoder.feed(block) for block in blocks])
    return octets, decoder.finished, decoder.unused, decoder.defect


def decode_all_ways(
    octets: bytes, bare_newlines: BareNewlines = "refuse"
) -> tuple[bytes, bool, bytes, str | None]:
    results = {decode(blocks, bare_newlines) for blocks in all_ways(octets)}
    assert len(results) == 1
    return results.pop()


def encode(blocks: list[bytes]) -> bytes:
    encoder = DotEncoder()
    return b"".join([encoder.encode(block) for block in blocks]) + encoder.finish()


def reference_decode(octets: bytes) -> tuple[bytes, bool, bytes, str | None]:
    """Decode in the plainest way: the whole message at once, by lines that CRLF ends."""
    body, terminator, unused = (b"\r\n" + octets).partition(b"\r\n.\r\n")
    if not terminator:
        return b"", False, b"", None
    lines = (body + b"\r\n").split(b"\r\n")[1:]
    message = b"\r\n".join(line.removeprefix(b".") for line in lines)
    return message, True, unused, reference_defect(message)


def reference_defect(message: bytes) -> str | None:
    for at, octet in enumerate(message):
        if octet == 0:
            return "NUL"
        if octet == 13 and message[at + 1 : at + 2] != b"\n":
            return "bare CR"
        if octet == 10 and message[max(0, at - 1) : at] != b"\r":
            return "bare LF"
    return None


class TestDataDecoder:
    @pytest.mark.parametrize(
        ("sent", "message"),
        [
            (b".\r\n", b""),
            (b"\r\n.\r\n", b"\r\n"),
            (b"hello\r\n.\r\n", b"hello\r\n"),
            (b"..\r\n.\r\n", b".\r\n"),
            (b"..hello\r\n.\r\n", b".hello\r\n"),
            (b".hello\r\n.\r\n", b"hello\r\n"),
            (b"a\r\n..\r\n...\r\n.\r\n", b"a\r\n.\r\n..\r\n"),
            (b"a.b.\r\n.\r\n", b"a.b.\r\n"),
            (b"\xff\xfe\x80\r\n.\r\n", b"\xff\xfe\x80\r\n"),
            (b"x" * 5000 + b"\r\n.\r\n", b"x" * 5000 + b"\r\n"),
        ],
    )
    def test_decodes(self, sent: bytes, message: bytes) -> None:
        assert decode_all_ways(sent) == (message, True, b"", None)
        assert decode_all_ways(sent + b"QUIT\r\n") == (message, True, b"QUIT\r\n", None)
        assert decode_all_ways(sent, "normalise") == (message, True, b"", None)

    @pytest.mark.parametrize(
        "false_end",
        [
            b"\n.\n",
            b"\n.\r\n",
            b"\r\n.\n",
            b"\r.\r",
            b"\r.\r\n",
            b"\r\n.\r",
            b"\n.\r",
            b"\r.\n",
            b"\r\n\0.\r\n",
            b"\r\n.\0\r\n",
            b"\r\n.\r\0\n",
            b"\r\0\n.\r\n",
            b"\r\n.\r\r\n",
            b"\r\n. \r\n",
        ],
    )
    @pytest.mark.parametrize("bare_newlines", ["refuse", "normalise"])
    def test_nothing_else_ends_a_message(
        self, false_end: bytes, bare_newlines: BareNewlines
    ) -> None:
        smuggled = b"a" + false_end + b"MAIL FROM:<b@example.com>\r\n"
        octets, finished, unused, _ = decode_all_ways(smuggled + b".\r\n", bare_newlines)
        assert finished
        assert unused == b""
        assert octets.endswith(b"MAIL FROM:<b@example.com>\r\n")
        assert not decode_all_ways(smuggled, bare_newlines)[1]

    @pytest.mark.parametrize(
        ("sent", "defect"),
        [
            (b"a\0b\r\n.\r\n", "NUL"),
            (b"a\rb\r\n.\r\n", "bare CR"),
            (b"a\nb\r\n.\r\n", "bare LF"),
            (b"\na\r\n.\r\n", "bare LF"),
            (b"\ra\r\n.\r\n", "bare CR"),
            (b"a\r\r\n.\r\n", "bare CR"),
            (b"a\n\r\n.\r\n", "bare LF"),
            (b"a\r\n\n.\r\n\r\n.\r\n", "bare LF"),
            (b".\r.\r\n.\r\n", "bare CR"),
            (b".\n\r\n.\r\n", "bare LF"),
            (b"a\rb\0\n\r\n.\r\n", "bare CR"),
            (b"a\nb\0\r\r\n.\r\n", "bare LF"),
            (b"a\0b\r\n\n\r\r\n.\r\n", "NUL"),
            (b"x" * 3000 + b"\n" + b"y" * 3000 + b"\0\r\n.\r\n", "bare LF"),
        ],
    )
    def test_finds_the_first_defect_and_goes_on(self, sent: bytes, defect: str) -> None:
        octets, finished, unused, found = decode_all_ways(sent + b"NOOP\r\n")
        assert (finished, unused, found) == (True, b"NOOP\r\n", defect)
        assert octets == reference_decode(sent)[0]

    def test_normalises_bare_newlines_but_never_nul(self) -> None:
        sent = b"a\nb\rc\r\r\nd\n\re\r\n\n.\nf\0\r\n.\r\n"
        assert decode_all_ways(sent, "normalise") == (
            b"a\r\nb\r\nc\r\n\r\nd\r\n\r\ne\r\n\r\n.\r\nf\0\r\n",
            True,
            b"",
            "NUL",
        )

    def test_octets_after_the_end_are_kept_however_they_come(self) -> None:
        decoder = DataDecoder()
        assert decoder.feed(b"a\r\n.\r\nQU") == b"a\r\n"
        assert decoder.feed(b"IT\r\n") == b""
        assert decoder.unused == b"QUIT\r\n"

    def test_holds_back_at_most_a_terminator(self) -> None:
        decoder = DataDecoder()
        sent = b"line\r\n.\r" * 50
        given = b""
        for at in range(len(sent)):
            given += decoder.feed(sent[at : at + 1])
            assert len(reference_unstuffed(sent[: at + 1])) - len(given) <= 5

    @limited
    @given(wire_octets, st.integers())
    def test_agrees_with_the_reference(self, octets: bytes, seed: int) -> None:
        expected = reference_decode(octets)
        for blocks in all_ways(octets, seed, randomly=3):
            result = decode(blocks)
            if expected[1]:
                assert result == expected
            else:
                assert not result[1]
                assert result[2] == b""

    @limited
    @given(wire_octets, st.integers())
    def test_normalised_octets_have_no_bare_newline(self, octets: bytes, seed: int) -> None:
        reference = reference_decode(octets + b"\r\n.\r\n")[0]
        for blocks in all_ways(octets + b"\r\n.\r\n", seed, randomly=3):
            message, finished, _, defect = decode(blocks, "normalise")
            assert finished
            assert message == re.sub(rb"\r\n|\r|\n", b"\r\n", reference)
            assert defect == ("NUL" if b"\0" in message else None)


def reference_unstuffed(octets: bytes) -> bytes:
    return (b"\r\n" + octets).replace(b"\r\n.", b"\r\n")[2:]


class TestBlockChecker:
    @limited
    @given(wire_octets, st.integers())
    def test_passes_octets_and_names_the_first_defect(self, octets: bytes, seed: int) -> None:
        for blocks in all_ways(octets, seed, randomly=3):
            checker = BlockChecker()
            assert b"".join(map(checker.feed, blocks)) + checker.finish() == octets
            assert checker.defect == reference_defect(octets)

    @limited
    @given(wire_octets, st.integers())
    def test_normalises(self, octets: bytes, seed: int) -> None:
        for blocks in all_ways(octets, seed, randomly=3):
            checker = BlockChecker("normalise")
            checked = b"".join(map(checker.feed, blocks)) + checker.finish()
            assert checked == re.sub(rb"\r\n|\r|\n", b"\r\n", octets)
            assert checker.defect == ("NUL" if b"\0" in octets else None)

    def test_a_cr_at_the_very_end_is_bare(self) -> None:
        checker = BlockChecker()
        assert checker.feed(b"a\r") == b"a"
        assert checker.defect is None
        assert checker.finish() == b"\r"
        assert checker.defect == "bare CR"


class TestDotEncoder:
    @pytest.mark.parametrize(
        ("message", "sent"),
        [
            (b"", b".\r\n"),
            (b"\r\n", b"\r\n.\r\n"),
            (b"a\r\n", b"a\r\n.\r\n"),
            (b"a", b"a\r\n.\r\n"),
            (b".", b"..\r\n.\r\n"),
            (b".\r\n", b"..\r\n.\r\n"),
            (b"a\r\n.\r\n..b\r\n", b"a\r\n..\r\n...b\r\n.\r\n"),
            (b"a\r\n.", b"a\r\n..\r\n.\r\n"),
            (b"a.\r\n", b"a.\r\n.\r\n"),
            (b"a\r", b"a\r\r\n.\r\n"),
            (b"a\n", b"a\n\r\n.\r\n"),
            (b"a\n.\r\nb\r\n", b"a\n..\r\nb\r\n.\r\n"),
            (b"a\r.\r\n", b"a\r.\r\n.\r\n"),
        ],
    )
    def test_encodes(self, message: bytes, sent: bytes) -> None:
        assert {encode(blocks) for blocks in all_ways(message)} == {sent}

    def test_a_block_without_leading_dots_is_not_copied(self) -> None:
        block = b"a.b\r\n" * 1000
        assert DotEncoder().encode(block) is block

    @limited
    @given(st.lists(st.sampled_from([b".", b"a", b"\r\n", b"\xff"])).map(b"".join), st.integers())
    def test_the_decoder_gives_back_a_canonical_message(self, octets: bytes, seed: int) -> None:
        message = octets + b"\r\n"
        for blocks in all_ways(message, seed, randomly=3):
            assert decode([encode(blocks)]) == (message, True, b"", None)

    @limited
    @given(wire_octets)
    def test_a_client_that_ends_lines_at_lf_never_meets_a_false_end(self, octets: bytes) -> None:
        sent = encode([octets])
        lines = re.split(rb"\r?\n", sent)
        assert lines.index(b".") == len(lines) - 2

    def test_poplib_reads_to_the_end(self) -> None:
        source = random.Random(3)
        octets = b"".join(source.choices([b"\n", b"\r\n", b".", b"a"], k=400)) + b"\r\n"
        client: Any = poplib.POP3.__new__(poplib.POP3)
        client.file = io.BytesIO(b"+OK\r\n" + encode([octets]) + b"+OK next reply\r\n")
        client._debugging = 0
        _, lines, _ = client._getlongresp()
        assert b"".join(line + b"\n" for line in lines) == octets.replace(b"\r\n", b"\n")
        assert client.file.read() == b"+OK next reply\r\n"
