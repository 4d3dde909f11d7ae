"""The Message-ID of a message, fed whole, byte by byte and at random splits."""

from __future__ import annotations

import pytest

from gateway.delivery.message_id import FIELD_OCTETS, HEADER_OCTETS, MessageIdFinder
from tests.splits import all_ways

LONG = b"<" + b"x" * 988 + b"@example.org>"


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (b"Message-ID: <a.b@example.org>\r\n\r\n", "<a.b@example.org>"),
        (b"From: x\r\nMESSAGE-Id:<a@b>\r\nTo: y\r\n\r\nbody\r\n", "<a@b>"),
        (b"Message-ID:\r\n <folded@example.org>\r\n\r\n", "<folded@example.org>"),
        (b"Message-ID: (comment) <a@b>\r\n\r\n", ""),
        (b"Message-ID: <a b@c>\r\n\r\n", ""),
        (b"Message-ID: \r\n\r\n<a@b>\r\n", ""),
        (b"X-Message-ID: <a@b>\r\n\r\n", ""),
        (b"\r\nMessage-ID: <in.the@body>\r\n", ""),
        (b"Subject: x\r\n\r\nMessage-ID: <in.the@body>\r\n", ""),
        (b"Subject: Message-ID: <a@b>\r\n\r\n", ""),
        (b"Message-ID: <first@b>\r\nMessage-ID: <second@b>\r\n\r\n", "<first@b>"),
        (b"Message-ID: <j\xc3\xb6rg@b>\r\n\r\n", "<jörg@b>"),
        (b"Received: x\r\n" * 300 + b"Message-ID: <late@b>\r\n\r\n", "<late@b>"),
        (b"", ""),
    ],
)
def test_found_at_any_split(message: bytes, found: str) -> None:
    for blocks in all_ways(message):
        finder = MessageIdFinder()
        told = [finder.feed(block) for block in blocks]
        assert finder.found == found
        assert sum(told) == bool(found)


def test_it_keeps_little_and_looks_no_further_than_it_says() -> None:
    finder = MessageIdFinder()
    for _ in range(HEADER_OCTETS // 1000 + 1):
        finder.feed(b"X: " + b"y" * 995 + b"\r\n")
        assert finder._rest is None or len(finder._rest) <= FIELD_OCTETS
    assert not finder.feed(b"Message-ID: <a@b>\r\n\r\n")
    assert finder.found == ""
