"""What an account keeps so that SCRAM can prove its password (RFC 5802, RFC 7677).

From a verifier nobody can log in, but whoever steals it can try passwords against it, and faster
than against argon2id; its iterations are what that costs.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from secrets import token_bytes

from scramp import ScramException, ScramMechanism

SCRAM_MECHANISMS = ("SCRAM-SHA-256", "SCRAM-SHA-1")
"""Those a verifier is kept for; each serves its -PLUS form as well."""
DEFAULT_ITERATIONS = 100_000
"""About 30 ms of one core for each mechanism, here once and in the client at each login."""
LEAST_ITERATIONS = 4096
"""RFC 7677 section 4."""
_SALT_OCTETS = 16


@dataclass(frozen=True, slots=True)
class ScramVerifier:
    """The verifier of one mechanism (RFC 5802 section 2.2)."""

    salt: bytes
    iterations: int
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)


def make_verifiers(password: str, iterations: int = DEFAULT_ITERATIONS) -> str:
    """Return the verifiers of a password, in the form in which they are kept.

    Costs tens of milliseconds for each mechanism, by design.

    @param iterations: of PBKDF2; 0 makes none.
    @return: "" where there are none: SASLprep (RFC 4013) forbids a character of the password.
    """
    if not iterations:
        return ""
    try:
        return " ".join(_render(name, password, iterations) for name in SCRAM_MECHANISMS)
    except ScramException:
        return ""


def _render(name: str, password: str, iterations: int) -> str:
    salt, stored_key, server_key, count = ScramMechanism(name).make_auth_info(
        password, iteration_count=iterations, salt=token_bytes(_SALT_OCTETS)
    )
    texts = [b64encode(octets).decode("ascii") for octets in (salt, stored_key, server_key)]
    return f"{name}${count}:{texts[0]}${texts[1]}:{texts[2]}"


def read_verifier(kept: str | None, name: str) -> ScramVerifier | None:
    """Return the verifier of a mechanism from what is kept; None where it has none."""
    for word in (kept or "").split():
        mechanism, _, rest = word.partition("$")
        if mechanism == name:
            head, _, keys = rest.partition("$")
            iterations, _, salt = head.partition(":")
            stored_key, _, server_key = keys.partition(":")
            return ScramVerifier(
                b64decode(salt), int(iterations), b64decode(stored_key), b64decode(server_key)
            )
    return None


def decoy_verifier(key: bytes, username: str, name: str, iterations: int) -> ScramVerifier:
    """Return a verifier that no password has, for a user who has none or does not exist.

    The same user gets the same salt each time, as a real one does, in every process.

    @param key: a secret of this installation.
    """
    seed = hmac.digest(key, f"{name} {username}".encode("utf-8", "surrogatepass"), "sha256")
    octets = 20 if name == "SCRAM-SHA-1" else 32
    return ScramVerifier(seed[:_SALT_OCTETS], iterations, token_bytes(octets), token_bytes(octets))
