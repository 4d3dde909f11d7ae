"""Password hashes: how they are made here, and which others are read.

Made here: argon2id (RFC 9106), in the form "$argon2id$v=19$m=...,t=...,p=...$SALT$HASH".
Read as well: what people bring from other servers, in crypt(3) form ("$6$...", "$2y$...", also
from htpasswd), or with the prefixes of Dovecot and LDAP ("{SHA512-CRYPT}$6$...", "{SSHA}...").
Such a hash is replaced by one of ours at the next login, when the password is known.

Every function here but `check_scheme` and `needs_upgrade` costs tens of milliseconds by design.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from secrets import token_bytes

import argon2

from gateway.accounts.errors import AccountError
from gateway.accounts.foreign_hashes import FOREIGN_SCHEMES, split_scheme
from gateway.accounts.passwords import prepare_password

_ARGON2 = {"ARGON2ID": argon2.Type.ID, "ARGON2I": argon2.Type.I}


class UnknownScheme(AccountError):
    """A stored hash that cannot be read. The text, one line, says what can be; it has no hash."""


@dataclass(frozen=True, slots=True)
class Argon2Parameters:
    """What an argon2id hash costs (RFC 9106 section 4).

    The default is the smallest that OWASP's password storage cheat sheet recommends: about 40 ms
    of one core of 2020. An office's machine is small and its programs poll; a costlier hash
    would be paid by whoever waits for the first login of a morning.
    """

    time_cost: int = 2
    """Passes over the memory."""
    memory_cost: int = 19_456
    """KiB of memory."""
    parallelism: int = 1
    """Lanes. The hashes of several logins run side by side already."""


DEFAULT_PARAMETERS = Argon2Parameters()
_SALT_OCTETS = 16
_HASH_OCTETS = 32


def _hasher(parameters: Argon2Parameters) -> argon2.PasswordHasher:
    return argon2.PasswordHasher(
        parameters.time_cost,
        parameters.memory_cost,
        parameters.parallelism,
        hash_len=_HASH_OCTETS,
        salt_len=_SALT_OCTETS,
    )


def hash_password(password: str, parameters: Argon2Parameters = DEFAULT_PARAMETERS) -> str:
    """Return an argon2id hash of a password, with a new salt."""
    return _hasher(parameters).hash(prepare_password(password))


def dummy_hash(parameters: Argon2Parameters = DEFAULT_PARAMETERS) -> str:
    """Return, at once, a hash that no password has, and that costs as much to verify as any."""

    def field(octets: int) -> str:
        return b64encode(token_bytes(octets)).decode("ascii").rstrip("=")

    return (
        f"$argon2id$v=19$m={parameters.memory_cost},t={parameters.time_cost}"
        f",p={parameters.parallelism}${field(_SALT_OCTETS)}${field(_HASH_OCTETS)}"
    )


def verify(password: str, stored: str) -> bool:
    """Say whether a stored hash is of this password.

    @raise UnknownScheme: the hash cannot be read.
    """
    name, body = _readable(stored)
    octets = prepare_password(password)
    if name not in _ARGON2:
        return FOREIGN_SCHEMES[name].verify(octets, body)
    try:
        return argon2.PasswordHasher(type=_ARGON2[name]).verify(body, octets)
    except argon2.exceptions.VerificationError:
        return False


def check_scheme(stored: str) -> None:
    """Check, at once, that a hash is of a known scheme and whole.

    @raise UnknownScheme: it is not.
    """
    _readable(stored)


def needs_upgrade(stored: str, parameters: Argon2Parameters = DEFAULT_PARAMETERS) -> bool:
    """Say whether a hash, one that can be read, is not as `hash_password` would make it now."""
    name, body = split_scheme(stored)
    return name != "ARGON2ID" or _hasher(parameters).check_needs_rehash(body)


def _readable(stored: str) -> tuple[str, str]:
    """Return the scheme of a stored hash and the hash without a prefix."""
    name, body = split_scheme(stored)
    try:
        if name in _ARGON2:
            if argon2.extract_parameters(body).type is not _ARGON2[name]:
                raise ValueError
        elif name in FOREIGN_SCHEMES:
            FOREIGN_SCHEMES[name].check(body)
        else:
            raise UnknownScheme(_unknown(name))
    except ValueError:  # argon2's InvalidHashError is one, too
        raise UnknownScheme(
            f"the password hash is not a whole {name} hash: copy it again from its beginning to "
            "its end"
        ) from None
    return name, body


def _unknown(name: str) -> str:
    known = ", ".join(f"{{{scheme}}}" for scheme in (*_ARGON2, *FOREIGN_SCHEMES))
    what = f"the password scheme {{{name}}} is not known" if name else "the hash names no scheme"
    return f"{what}; put one of these before the hash: {known}"
