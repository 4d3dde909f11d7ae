"""Passwords as octets: prepared in the same way when one is set and when one is tried."""

from __future__ import annotations

import unicodedata


def prepare_password(password: str) -> bytes:
    """Return the octets of a password that are hashed: Unicode form C (NFC), in UTF-8.

    This much of RFC 8265 section 4.2 (OpaqueString) lets one password be typed on different
    systems, and does no harm to hashes made elsewhere of a password as it was typed.
    """
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def decode_password(octets: bytes) -> str:
    """Return the text that a client sent as password.

    RFC 4616 and RFC 6856 ask for UTF-8. Octets that are none are kept apart, each as itself
    (surrogates), so that they are a wrong password and no error.
    """
    return octets.decode("utf-8", "surrogateescape")
