"""Line ends between disk and wire, and the sizes announced for them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire.newlines import CanonicalSize, CRLFEncoder, LFEncoder
from tests.splits import all_ways

stored_octets = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"a", b"\0", b"\xe9"])).map(
    b"".join
)
limited = settings(deadline=None, max_examples=300)


def canonical(blocks: list[bytes]) -> bytes:
    encoder = CRLFEncoder()
    return b"".join([encoder.encode(block) for block in blocks]) + encoder.finish()


def size(blocks: list[bytes]) -> int:
    counter = CanonicalSize()
    for block in blocks:
        counter.feed(block)
    counter.finish()
    return counter.octets


def stored(blocks: list[bytes]) -> bytes:
    encoder = LFEncoder()
    on_disk = b"".join([encoder.encode(block) for block in blocks]) + encoder.finish()
    assert encoder.size.octets == len(canonical([on_disk]))
    return on_disk


@pytest.mark.parametrize(
    ("on_disk", "octets"),
    [
        (b"", b""),
        (b"\n", b"\r\n"),
        (b"a", b"a\r\n"),
        (b"a\n", b"a\r\n"),
        (b"a\r\n", b"a\r\n"),
        (b"a\nb\r\nc\n\n", b"a\r\nb\r\nc\r\n\r\n"),
        (b"a\r", b"a\r\r\n"),
        (b"a\rb\n", b"a\rb\r\n"),
        (b"a\r\r\nb\r\r\n", b"a\r\r\nb\r\r\n"),
        (b"a\n\rb\n", b"a\r\n\rb\r\n"),
        (b"\0\xff\n\x80", b"\0\xff\r\n\x80\r\n"),
        (b"\r", b"\r\r\n"),
        (b"long " * 3000 + b"\nend", b"long " * 3000 + b"\r\nend\r\n"),
    ],
)
def test_what_is_on_disk_becomes_canonical(on_disk: bytes, octets: bytes) -> None:
    assert {canonical(blocks) for blocks in all_ways(on_disk)} == {octets}
    assert {size(blocks) for blocks in all_ways(on_disk)} == {len(octets)}


@pytest.mark.parametrize(
    ("octets", "on_disk"),
    [
        (b"", b""),
        (b"a\r\nb\r\n", b"a\nb\n"),
        (b"a\rb\nc\r\n", b"a\rb\nc\n"),
        (b"a\r\r\n", b"a\r\r\n"),
        (b"\r\r\r\nb\r\n", b"\r\r\r\nb\n"),
        (b"a\r", b"a\r"),
        (b"\r\n\r\n", b"\n\n"),
    ],
)
def test_canonical_octets_become_lines_on_disk(octets: bytes, on_disk: bytes) -> None:
    assert {stored(blocks) for blocks in all_ways(octets)} == {on_disk}


@limited
@given(stored_octets, st.integers())
def test_canonical_form_and_size_agree_with_the_reference(on_disk: bytes, seed: int) -> None:
    expected = re.sub(rb"(?<!\r)\n", b"\r\n", on_disk)
    if expected and not expected.endswith(b"\r\n"):
        expected += b"\r\n"
    for blocks in all_ways(on_disk, seed, randomly=3):
        assert canonical(blocks) == expected
        assert size(blocks) == len(expected)
    assert canonical([expected]) == expected


@limited
@given(st.lists(st.sampled_from([b"\r\n", b"\r", b".", b"a", b"\0", b"\xe9"])), st.integers())
def test_a_message_without_bare_lf_survives_the_disk(parts: list[bytes], seed: int) -> None:
    message = b"".join(parts) + b"\r\n"
    for blocks in all_ways(message, seed, randomly=3):
        on_disk = stored(blocks)
        assert b"\r" not in on_disk or b"\r" in parts
        assert {canonical(again) for again in all_ways(on_disk, seed, randomly=3)} == {message}


@limited
@given(stored_octets, st.integers())
def test_lines_on_disk_agree_with_the_reference(octets: bytes, seed: int) -> None:
    expected = re.sub(rb"(?<!\r)\r\n", b"\n", octets)
    assert {stored(blocks) for blocks in all_ways(octets, seed, randomly=3)} == {expected}


def test_finish_counts_once() -> None:
    counter = CanonicalSize()
    counter.feed(b"a")
    counter.finish()
    counter.finish()
    assert counter.octets == 3
