"""How POP3 and SMTP carry a SASL exchange: base64, one line each (RFC 4422, 4954, 5034)."""

from __future__ import annotations

import binascii
import re

# The decoder of the standard library, strict mode included, lets some wrong padding pass.
_BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}")


class Cancelled(Exception):
    """The client gave up the exchange with `*`."""


class InvalidBase64(ValueError):
    """What the client sent is not base64 as RFC 4648 section 4 has it."""


def decode_response(line: bytes) -> bytes:
    """Decode a line that the client sent after a challenge, given without its end.

    An empty line is an empty response.

    @raise Cancelled: it is `*`.
    @raise InvalidBase64: it is not valid.
    """
    if line == b"*":
        raise Cancelled
    if len(line) % 4 or not _BASE64.fullmatch(line):
        raise InvalidBase64("not base64")
    return binascii.a2b_base64(line)


def decode_initial(argument: bytes | str) -> bytes:
    """Decode the initial response in the AUTH command, where `=` stands for an empty one.

    @raise InvalidBase64: it is not valid; an empty one is not, since it would not be there.
    """
    octets = argument.encode("utf-8") if isinstance(argument, str) else argument
    if octets == b"=":
        return b""
    if octets in (b"", b"*"):
        raise InvalidBase64("not an initial response")
    return decode_response(octets)


def encode_challenge(challenge: bytes) -> bytes:
    """Encode a challenge for a line that begins with `+ ` (POP3) or `334 ` (SMTP)."""
    return binascii.b2a_base64(challenge, newline=False)
