"""The header of the PROXY protocol."""

from __future__ import annotations

import struct
from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire.proxy_header import InvalidProxyHeader, ProxyHeader, parse_proxy_header

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


def v2(command: int, family: int, block: bytes) -> bytes:
    return SIGNATURE + struct.pack("!BBH", 0x20 | command, family, len(block)) + block


def v2_addresses(source: str, destination: str, *ports: int) -> bytes:
    packed = ip_address(source).packed + ip_address(destination).packed
    return packed + struct.pack("!HH", *ports)


V4 = (("192.0.2.7", 4711), ("198.51.100.5", 25))
V6 = (("2001:db8::7", 4711), ("2001:db8::5", 995))
V4_BLOCK = v2_addresses("192.0.2.7", "198.51.100.5", 4711, 25)
V6_BLOCK = v2_addresses("2001:db8::7", "2001:db8::5", 4711, 995)
NOBODY = (None, None)

VALID = {
    b"PROXY TCP4 192.0.2.7 198.51.100.5 4711 25\r\n": V4,
    b"PROXY TCP6 2001:DB8::7 2001:db8:0:0::5 4711 995\r\n": V6,
    b"PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n": (("0.0.0.0", 0), ("255.255.255.255", 65535)),
    b"PROXY UNKNOWN\r\n": NOBODY,
    b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n": NOBODY,
    b"PROXY UNKNOWN " + b"x" * 91 + b"\r\n": NOBODY,
    v2(1, 0x11, V4_BLOCK): V4,
    v2(1, 0x21, V6_BLOCK): V6,
    v2(1, 0x11, V4_BLOCK + b"\x04\x00\x01x" * 1000): V4,
    v2(0, 0x11, V4_BLOCK): NOBODY,
    v2(0, 0x00, b""): NOBODY,
    v2(1, 0x00, b"anything"): NOBODY,
    v2(1, 0x31, b"\0" * 216): NOBODY,
}

INVALID = [
    b"EHLO client.example\r\n",
    b"\x16\x03\x01\x02\x00",
    b"proxy TCP4 192.0.2.7 198.51.100.5 4711 25\r\n",
    b"PROXY\tTCP4 192.0.2.7 198.51.100.5 4711 25\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.5 4711 25 \r\n",
    b"PROXY TCP4  192.0.2.7 198.51.100.5 4711 25\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.5 4711\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.5 4711 65536\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.5 4711 025\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.5 4711 -1\r\n",
    b"PROXY TCP4 192.0.2.777 198.51.100.5 4711 25\r\n",
    b"PROXY TCP4 2001:db8::7 2001:db8::5 4711 25\r\n",
    b"PROXY TCP6 192.0.2.7 198.51.100.5 4711 25\r\n",
    b"PROXY TCP5 192.0.2.7 198.51.100.5 4711 25\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.5 4711 25\nEHLO x\r\n",
    b"PROXY \r\n",
    b"PROXY UNKNOWNX\r\n",
    b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n",
    b"PROXY TCP4 " + b"1" * 200,
    SIGNATURE + struct.pack("!BBH", 0x11, 0x11, 12) + V4_BLOCK,
    SIGNATURE + struct.pack("!BBH", 0x22, 0x11, 12) + V4_BLOCK,
    v2(1, 0x12, V4_BLOCK),
    v2(1, 0x10, V4_BLOCK),
    v2(1, 0x41, V4_BLOCK),
    v2(1, 0x11, V4_BLOCK[:-1]),
    v2(1, 0x21, V4_BLOCK),
    v2(1, 0x11, b""),
]


@pytest.mark.parametrize("octets", VALID, ids=lambda octets: octets[:40].hex())
@pytest.mark.parametrize("rest", [b"", b"EHLO x\r\n", b"\0" * 200])
def test_valid(octets: bytes, rest: bytes) -> None:
    expected = ProxyHeader(*VALID[octets], len(octets))
    assert parse_proxy_header(octets + rest) == expected


@pytest.mark.parametrize("octets", VALID, ids=lambda octets: octets[:40].hex())
def test_not_complete_at_any_octet_before_its_end(octets: bytes) -> None:
    for end in range(len(octets)):
        assert parse_proxy_header(octets[:end]) is None


@pytest.mark.parametrize("octets", INVALID, ids=lambda octets: octets[:60].hex())
def test_invalid_whole_and_octet_by_octet(octets: bytes) -> None:
    with pytest.raises(InvalidProxyHeader):
        parse_proxy_header(octets)
    with pytest.raises(InvalidProxyHeader):
        for end in range(len(octets) + 1):
            assert parse_proxy_header(octets[:end]) is None


@settings(deadline=None, max_examples=500)
@given(
    st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", b"PROXY UNKNOWN ", SIGNATURE, V4_BLOCK]),
    st.binary(max_size=300),
)
def test_anything_is_parsed_refused_or_waited_for(start: bytes, octets: bytes) -> None:
    try:
        header = parse_proxy_header(start + octets)
    except InvalidProxyHeader as problem:
        assert str(problem)
    else:
        if header is None:
            assert len(start + octets) < 107 or start == SIGNATURE
        else:
            assert header.octets <= len(start + octets)
