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
    """A disabled account cannot log in, and mail to it is refused (550 5.2.1)."""
    quota_octets: int | None = None
    """None: no limit."""
    quota_messages: int | None = None
    """None: no limit."""
    created: float = 0.0
    """Seconds since the epoch."""
    scram: str | None = field(default=None, repr=False)
    """As `gateway.accounts.scram.make_verifiers` made them; None until the password is known,
    "" where the password can have none."""


@dataclass(frozen=True, slots=True)
class AppPassword:
    """A further password of an account, for one program or device. It is kept as a digest."""

    address: str
    name: str
    """What its user calls it."""
    protocol: str | None
    """"pop3" or "smtp", where it is good for one of them only."""
    created: float
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class AliasRecord:
    """An address that stands for others."""

    address: str
    """The canonical address; "@example.org" is the catch-all of that domain."""
    targets: tuple[str, ...]
    """Canonical addresses of users or of other aliases, in the order they were given."""
