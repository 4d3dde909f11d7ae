"""What the account database gives back."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class UserRecord:
    """One account."""

    address: str
    """The canonical address, which is also the name of its mailbox."""
    password_hash: str = field(repr=False)
    """As `gateway.accounts.schemes` makes and reads it."""
    secret: str | None = field(default=None, repr=False)
    """The password in clear, kept only where APOP (RFC 1939) or CRAM-MD5 (RFC 2195) are wanted."""
    enabled: bool = True
    """A disabled account keeps receiving mail; it cannot log in."""
    quota_octets: int | None = None
    """None: no limit."""
    quota_messages: int | None = None
    """None: no limit."""
    created: float = 0.0
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class AliasRecord:
    """An address that stands for others."""

    address: str
    """The canonical address; "@example.org" is the catch-all of that domain."""
    targets: tuple[str, ...]
    """Canonical addresses of users or of other aliases, in the order they were given."""
