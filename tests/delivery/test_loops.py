"""Messages that have been here before."""

from __future__ import annotations

from gateway.delivery.loops import FIELD_OCTETS, HEADER_OCTETS, LoopDetector
from gateway.delivery.trace_headers import trace_headers
from tests.delivery.parts import envelope

OURS = trace_headers(envelope(), "mail.example.com", ("Anna@Example.com", "anna@example.com"))


def read(message: bytes, step: int = 10_000_000) -> LoopDetector:
    detector = LoopDetector("mail.example.com")
    ended = [detector.feed(message[at : at + step]) for at in range(0, len(message), step)]
    ended.append(detector.finish())
    assert ended.count(True) == 1, "it says once that the header has ended"
    return detector


def both_ways(message: bytes) -> tuple[int, set[str]]:
    whole, by_octet = read(message), read(message, 1)
    assert (whole.received, whole.delivered_to) == (by_octet.received, by_octet.delivered_to)
    return whole.received, whole.delivered_to


def test_our_own_headers() -> None:
    assert both_ways(OURS + b"Subject: x\r\n\r\nbody\r\n") == (1, {"anna@example.com"})


def test_after_another_server_has_passed_it_on() -> None:
    message = b"Received: from us by them\r\n\twith SMTP; now\r\n" + OURS + b"\r\nbody\r\n"
    assert both_ways(message) == (2, {"anna@example.com"})


def test_delivered_to_of_another_server_is_no_loop() -> None:
    foreign = OURS.replace(b"mail.example.com", b"mx.provider.example")
    assert both_ways(foreign + b"\r\n") == (1, set())
    apart = OURS.replace(b"Received:", b"Subject: x\r\nReceived:")
    assert both_ways(apart + b"\r\n") == (1, set())


def test_the_body_does_not_count() -> None:
    assert both_ways(b"Subject: x\r\n\r\n" + OURS) == (0, set())
    assert both_ways(b"\r\n" + OURS + b"\r\n") == (0, set())


def test_header_without_a_body() -> None:
    assert both_ways(OURS) == (1, {"anna@example.com"})


def test_empty_message() -> None:
    assert both_ways(b"") == (0, set())


def test_case_and_folding() -> None:
    assert both_ways(b"RECEIVED : a\r\n b\r\n\tc\r\nX-Received: d\r\nreceived:\r\n\r\n")[0] == 2


def test_only_the_beginning_is_searched() -> None:
    filler = b"X: " + b"y" * HEADER_OCTETS + b"\r\n"
    assert read(OURS + filler + OURS).received == 1


def test_a_long_field_is_not_kept() -> None:
    detector = LoopDetector("mail.example.com")
    for _ in range(60):
        detector.feed(b"y" * 1000)
        assert len(detector._rest) <= FIELD_OCTETS + 1003
    assert not detector.feed(b"\r")
    assert detector.feed(b"\n\r\n"), "the end of the header is seen all the same"


def test_a_long_field_between_trace_fields() -> None:
    filler = b"DKIM-Signature: x\r\n" + b"\tyyy\r\n" * 1000
    received = b"Received: from a by b; now\r\n"
    delivered = b"Delivered-To: anna@example.com\r\n"
    message = received + filler + OURS + filler + delivered + filler + received + b"\r\n" + OURS
    assert both_ways(message) == (3, {"anna@example.com"})
    for step in (7, 1000, 4096, 5000):
        assert read(message, step).received == 3
