"""The password hashes of other servers, by the names that Dovecot gives them."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any

from passlib.registry import get_crypt_handler

_PREFIX = re.compile(r"\{([A-Za-z0-9.-]{1,30})\}(.*)", re.DOTALL)
_CRYPT_IDENTS = {
    "argon2id": "ARGON2ID",
    "argon2i": "ARGON2I",
    "2a": "BLF-CRYPT",
    "2b": "BLF-CRYPT",
    "2y": "BLF-CRYPT",
    "6": "SHA512-CRYPT",
    "5": "SHA256-CRYPT",
    "1": "MD5-CRYPT",
    "apr1": "APR1",
    "pbkdf2": "PBKDF2-SHA1",
    "pbkdf2-sha256": "PBKDF2-SHA256",
    "pbkdf2-sha512": "PBKDF2-SHA512",
}
_ENCODING = re.compile(r"\.(?:HEX|B64|BASE64)$")
"""Dovecot's suffix, which the digits themselves make plain."""
_SAME = {
    "BCRYPT": "BLF-CRYPT",
    "MD5": "MD5-CRYPT",
    "SHA1": "SHA",
    "CLEAR": "PLAIN",
    "CLEARTEXT": "PLAIN",
}
"""Other names for the same scheme. Dovecot's {MD5} is the crypt, not the digest."""
_BCRYPT_LIMIT = 72
"""Octets of a password that bcrypt looks at; what made the hash ignored the others, too."""


@dataclass(frozen=True, slots=True)
class ForeignScheme:
    """How to read one scheme. Both take the hash without its prefix."""

    verify: Callable[[bytes, str], bool]
    check: Callable[[str], object]
    """Raises ValueError for a hash that is not whole."""


def split_scheme(stored: str) -> tuple[str, str]:
    """Return the name of the scheme of a stored hash, "" for none, and the hash without prefix."""
    prefixed = _PREFIX.match(stored)
    if prefixed is None:
        return _scheme_of_crypt(stored), stored
    name, body = prefixed[1].upper(), prefixed[2]
    if name == "CRYPT" or (name == "PBKDF2" and not body.startswith("$1$")):
        # LDAP servers write {CRYPT} for all crypt(3) forms.
        return _scheme_of_crypt(body), body
    name = _ENCODING.sub("", name)
    return _SAME.get(name, name), body


def _scheme_of_crypt(body: str) -> str:
    ident = body.split("$", 2)[1] if body.startswith("$") and body.count("$") > 1 else ""
    return _CRYPT_IDENTS.get(ident, "")


def _library(handler_name: str, prefix: str = "", limit: int | None = None) -> ForeignScheme:
    """Make a scheme of one that the library has; it wants `prefix` before the hash."""

    def check(body: str) -> Any:
        # The library imports a scheme at its first use.
        handler = get_crypt_handler(handler_name)
        if not handler.from_string(prefix + body).checksum:
            raise ValueError("there is a salt and no hash")
        return handler

    def verify(password: bytes, body: str) -> bool:
        handler = check(body)
        try:
            return bool(handler.verify(password[:limit], prefix + body))
        except ValueError:
            return False  # such a password cannot have been hashed: it has a NUL or is too long

    return ForeignScheme(verify, check)


def _verify_plain(password: bytes, body: str) -> bool:
    return compare_digest(password, body.encode("utf-8"))


def _check_plain(body: str) -> None:
    if not body:
        raise ValueError("an empty password")


def _digest(name: str, *, salted: bool = False) -> ForeignScheme:
    """Make a scheme of a bare digest, in base64 or hexadecimal digits; the salt comes behind it."""
    size = hashlib.new(name, usedforsecurity=False).digest_size

    def check(body: str) -> bytes:
        if len(body) >= 2 * size and re.fullmatch(r"(?:[0-9a-fA-F]{2})+", body):
            octets = bytes.fromhex(body)
        else:
            octets = b64decode(body, validate=True)
        if len(octets) < size or (len(octets) > size) != salted:
            raise ValueError("not as long as its digest")
        return octets

    def verify(password: bytes, body: str) -> bool:
        octets = check(body)
        made = hashlib.new(name, password + octets[size:], usedforsecurity=False)
        return compare_digest(made.digest(), octets[:size])

    return ForeignScheme(verify, check)


_PBKDF2 = re.compile(r"\$1\$([^$]+)\$([0-9]{1,9})\$([0-9a-fA-F]{40})")


def _check_pbkdf2(body: str) -> re.Match[str]:
    match = _PBKDF2.fullmatch(body)
    if match is None or int(match[2]) == 0:
        raise ValueError("not Dovecot's form $1$SALT$ROUNDS$HEX")
    return match


def _verify_pbkdf2(password: bytes, body: str) -> bool:
    match = _check_pbkdf2(body)
    digest = hashlib.pbkdf2_hmac("sha1", password, match[1].encode("utf-8"), int(match[2]))
    return compare_digest(digest.hex(), match[3].lower())


FOREIGN_SCHEMES: dict[str, ForeignScheme] = {
    "BLF-CRYPT": _library("bcrypt", limit=_BCRYPT_LIMIT),
    "SHA512-CRYPT": _library("sha512_crypt"),
    "SHA256-CRYPT": _library("sha256_crypt"),
    "MD5-CRYPT": _library("md5_crypt"),
    "APR1": _library("apr_md5_crypt"),
    "SSHA": _digest("sha1", salted=True),
    "SSHA256": _digest("sha256", salted=True),
    "SSHA512": _digest("sha512", salted=True),
    "SMD5": _digest("md5", salted=True),
    "SHA": _digest("sha1"),
    "SHA256": _digest("sha256"),
    "SHA512": _digest("sha512"),
    "PLAIN-MD5": _digest("md5"),
    "LDAP-MD5": _digest("md5"),
    "PBKDF2": ForeignScheme(_verify_pbkdf2, _check_pbkdf2),
    "PBKDF2-SHA1": _library("pbkdf2_sha1"),
    "PBKDF2-SHA256": _library("pbkdf2_sha256"),
    "PBKDF2-SHA512": _library("pbkdf2_sha512"),
    "PLAIN": ForeignScheme(_verify_plain, _check_plain),
}
