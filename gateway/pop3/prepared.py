"""User names and passwords as they come in USER, PASS and APOP (RFC 6856 section 2.2)."""

from __future__ import annotations

from stringprep import (
    in_table_c3,
    in_table_c4,
    in_table_c5,
    in_table_c6,
    in_table_c7,
    in_table_c8,
    in_table_c9,
    in_table_c22,
)
from typing import Final

from gateway.accounts.passwords import prepare_password

_PROHIBITED: Final = (
    in_table_c22,
    in_table_c3,
    in_table_c4,
    in_table_c5,
    in_table_c6,
    in_table_c7,
    in_table_c8,
    in_table_c9,
)
"""RFC 4013 section 2.3. Its ASCII control characters are left to plain ASCII, which has been
taken as it is since RFC 1939; non-ASCII blanks become a blank."""


class NotAcceptable(ValueError):
    """The octets are not UTF-8, or hold a character that may not be there."""


def prepare(octets: bytes) -> bytes:
    """Return a user name or a password in the one spelling in which it is looked up or hashed.

    @raise NotAcceptable: it cannot be one.
    """
    if octets.isascii():
        return octets
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        raise NotAcceptable("not UTF-8") from None
    if any(table(character) for character in text for table in _PROHIBITED):
        raise NotAcceptable("a character that may not be there")
    return prepare_password(text)
