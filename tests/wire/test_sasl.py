"""The framing of SASL exchanges."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire.sasl import (
    Cancelled,
    InvalidBase64,
    decode_initial,
    decode_response,
    encode_challenge,
)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=300))
def test_what_is_encoded_is_decoded(octets: bytes) -> None:
    line = encode_challenge(octets)
    assert b"\n" not in line
    assert decode_response(line) == octets
    if octets:
        assert decode_initial(line) == octets
        assert decode_initial(line.decode("ascii")) == octets


@pytest.mark.parametrize(
    "line",
    [
        b"=",
        b"==",
        b"====",
        b"A",
        b"AA",
        b"AAA",
        b"AA=",
        b"AA==A",
        b"AAAA=",
        b"AA==AAAA",
        b"AA==\n",
        b" AAAA",
        b"AAAA ",
        b"AA AA",
        b"AA-_",
        b"AA*A",
        b"**",
        b"\xff\xff\xff\xff",
        b"AAA\0",
        b"=AAA",
    ],
)
def test_what_is_not_base64_is_refused(line: bytes) -> None:
    with pytest.raises(InvalidBase64):
        decode_response(line)


def test_an_empty_response() -> None:
    assert decode_response(b"") == b""
    assert decode_initial(b"=") == b""
    assert decode_initial("=") == b""


def test_a_star_cancels_the_exchange_but_is_no_initial_response() -> None:
    with pytest.raises(Cancelled):
        decode_response(b"*")
    for argument in ("*", "", "\u00e9\u00e9\u00e9\u00e9", "AAA"):
        with pytest.raises(InvalidBase64):
            decode_initial(argument)
