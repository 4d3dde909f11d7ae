"""xtext: how a parameter of ESMTP holds characters that it may not (RFC 3461 section 4)."""

from __future__ import annotations

import re

_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*+")
_HEXCHAR = re.compile(rb"\+([0-9A-F]{2})")


def decode_xtext(text: str) -> str:
    """Decode xtext.

    @raise ValueError: it is not xtext, or not UTF-8 when decoded.
    """
    if not _XTEXT.fullmatch(text):
        raise ValueError("the value is not valid xtext")
    octets = _HEXCHAR.sub(lambda found: bytes.fromhex(found[1].decode()), text.encode())
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("the value is not valid UTF-8") from None
