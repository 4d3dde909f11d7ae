"""The header of the PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt).

A proxy sends it before all else: who the client is that it connects for.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

_V1_START = b"PROXY "
_V1_LIMIT = 107
"""Octets of the longest header of version 1, its CRLF included."""
_V2_START = b"\r\n\r\n\0\r\nQUIT\n"
_V2_FIXED = 16
_V1_ADDRESSES = re.compile(
    rb"TCP([46]) ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+) (0|[1-9][0-9]{0,4}) (0|[1-9][0-9]{0,4})"
)
_STREAM = 1
_FAMILIES = {0: "unspecified", 1: "IPv4", 2: "IPv6", 3: "unix"}

Endpoint = tuple[str, int]
"""IP address as text, and port."""


class InvalidProxyHeader(ValueError):
    """The octets are no header; the text says why."""


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """What a proxy says about a connection."""

    source: Endpoint | None
    """The client; None where the proxy speaks for itself, or names no IP address."""
    destination: Endpoint | None
    """Where the client connected to; None with `source`."""
    octets: int
    """The length of the header."""


def parse_proxy_header(octets: bytes) -> ProxyHeader | None:
    """Parse the header that `octets`, all that has come so far, begin with.

    @return: None while it is not complete.
    @raise InvalidProxyHeader: they do not begin with one.
    """
    if octets.startswith(_V1_START):
        return _parse_v1(octets)
    if octets.startswith(_V2_START):
        return _parse_v2(octets)
    if _V1_START.startswith(octets) or _V2_START.startswith(octets):
        return None
    raise InvalidProxyHeader("it does not begin with a PROXY header")


def _parse_v1(octets: bytes) -> ProxyHeader | None:
    end = octets.find(b"\r\n", 0, _V1_LIMIT)
    if end < 0:
        if len(octets) >= _V1_LIMIT:
            raise InvalidProxyHeader(f"the header is longer than {_V1_LIMIT} octets")
        return None
    length = end + 2
    text = octets[len(_V1_START) : end]
    if text == b"UNKNOWN" or text.startswith(b"UNKNOWN "):
        return ProxyHeader(None, None, length)
    found = _V1_ADDRESSES.fullmatch(text)
    if found is None:
        raise InvalidProxyHeader("the header is not like PROXY TCP4 source destination port port")
    kind = IPv4Address if found[1] == b"4" else IPv6Address
    try:
        source, destination = (str(kind(found[at].decode())) for at in (2, 3))
    except ValueError:
        raise InvalidProxyHeader("the header has an address that is none") from None
    ports = int(found[4]), int(found[5])
    if max(ports) > 65_535:
        raise InvalidProxyHeader("the header has a port above 65535")
    return ProxyHeader((source, ports[0]), (destination, ports[1]), length)


def _parse_v2(octets: bytes) -> ProxyHeader | None:
    if len(octets) < _V2_FIXED:
        return None
    version_command, family_transport, length = struct.unpack_from("!BBH", octets, 12)
    if version_command >> 4 != 2 or version_command & 15 > 1:
        raise InvalidProxyHeader("the header is of a version or has a command that is not known")
    end = _V2_FIXED + length
    if len(octets) < end:
        return None
    if not version_command & 1:
        return ProxyHeader(None, None, end)  # LOCAL
    family = _FAMILIES.get(family_transport >> 4)
    if family in ("unspecified", "unix"):
        return ProxyHeader(None, None, end)
    if family is None or family_transport & 15 != _STREAM:
        raise InvalidProxyHeader("the header is not about a stream over IPv4 or IPv6")
    return _addresses_v2(octets[_V2_FIXED:end], family, end)


def _addresses_v2(block: bytes, family: str, end: int) -> ProxyHeader:
    size, kind = (4, IPv4Address) if family == "IPv4" else (16, IPv6Address)
    if len(block) < 2 * size + 4:
        raise InvalidProxyHeader("the header is too short for its addresses")
    source, destination = str(kind(block[:size])), str(kind(block[size : 2 * size]))
    source_port, destination_port = struct.unpack_from("!HH", block, 2 * size)
    return ProxyHeader((source, source_port), (destination, destination_port), end)
