"""The parameters of the DSN extension (RFC 3461), with UTF-8 addresses as in RFC 6533.

They are parsed and checked here. Whether they are taken is for the session to say: nothing may be
announced while no notice can be sent.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from gateway.wire.xtext import decode_xtext

ENVID_LIMIT = 100
"""Characters of ENVID as it is written (RFC 3461 section 4.4)."""
ORCPT_LIMIT = 500
"""Characters of ORCPT as it is written (RFC 3461 section 4.2)."""

_EVENTS = frozenset(("SUCCESS", "FAILURE", "DELAY"))
_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+")
_PRINTABLE = re.compile(r"[ -~]*")
_UTF8_ADDRESS = re.compile(
    r"(?:[!-*,-<>-\[\]-~\u00a0-\U0010ffff]|\\x\{(?:[0-9A-F]{2,6})\})++", re.ASCII
)
_EMBEDDED = re.compile(r"\\x\{([0-9A-F]+)\}")


class OriginalRecipient(NamedTuple):
    """The address that the sender meant at first."""

    address_type: str
    """In lower case: "rfc822", "utf-8" or another registered name."""
    address: str
    """Decoded."""


def parse_ret(value: str) -> str:
    """Return "FULL" or "HDRS". Raises `ValueError`."""
    if value.upper() not in ("FULL", "HDRS"):
        raise ValueError("give FULL or HDRS")
    return value.upper()


def parse_envid(value: str) -> str:
    """Return the envelope identifier, decoded. Raises `ValueError`."""
    if len(value) > ENVID_LIMIT:
        raise ValueError(f"it is longer than {ENVID_LIMIT} characters")
    return _printable(decode_xtext(value))


def parse_notify(value: str) -> frozenset[str]:
    """Return the events of which the sender wants to hear, none for NEVER. Raises `ValueError`."""
    words = value.upper().split(",")
    if words == ["NEVER"]:
        return frozenset()
    if not _EVENTS.issuperset(words):
        raise ValueError("give NEVER alone, or some of SUCCESS, FAILURE and DELAY")
    return frozenset(words)


def parse_orcpt(value: str) -> OriginalRecipient:
    """Return the original recipient. Raises `ValueError`."""
    if len(value) > ORCPT_LIMIT:
        raise ValueError(f"it is longer than {ORCPT_LIMIT} characters")
    kind, semicolon, address = value.partition(";")
    if not semicolon or not address or not _ATOM.fullmatch(kind):
        raise ValueError("write it as rfc822;name@example.com")
    kind = kind.lower()
    if kind == "utf-8":
        return OriginalRecipient(kind, _decode_utf8_address(address))
    return OriginalRecipient(kind, _printable(decode_xtext(address)))


def _printable(text: str) -> str:
    if not _PRINTABLE.fullmatch(text):
        raise ValueError("it holds more than printable ASCII characters")
    return text


def _decode_utf8_address(text: str) -> str:
    """Decode utf-8-addr-xtext, utf-8-addr-unitext (RFC 6533 section 3)."""
    if not _UTF8_ADDRESS.fullmatch(text):
        raise ValueError("the address is not valid as one of type utf-8")
    decoded = _EMBEDDED.sub(_embedded, text)
    if not decoded.isprintable():
        raise ValueError("the address contains a character that cannot be printed")
    return decoded


def _embedded(found: re.Match[str]) -> str:
    number = int(found[1], 16)
    if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        raise ValueError(f"there is no character \\x{{{found[1]}}}")
    return chr(number)
