"""What CAPA lists (RFC 2449): one row for each capability, asked of the session as it is now."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gateway.pop3.protocol import POP3Connection


class Capability(NamedTuple):
    """One row."""

    tag: bytes
    source: str
    line: Callable[[POP3Connection], bytes | None]
    """Gives the line that announces it, None where it is not there."""


def _user(connection: POP3Connection) -> bytes | None:
    return b"USER" if connection.plaintext_allowed else None


def _sasl(connection: POP3Connection) -> bytes | None:
    names = connection.mechanisms
    return b"SASL " + " ".join(names).encode("ascii") if names else None


def _stls(connection: POP3Connection) -> bytes | None:
    offered = connection.factory.tls is not None and not connection.secure
    return b"STLS" if offered and not connection.logged_in and not connection.utf8 else None


def _login_delay(connection: POP3Connection) -> bytes:
    policy, differs = connection.announced_policy
    return b"LOGIN-DELAY %d" % policy.login_delay_seconds + (b" USER" if differs else b"")


def _expire(connection: POP3Connection) -> bytes:
    policy, differs = connection.announced_policy
    days = b"NEVER" if policy.expire_days is None else b"%d" % policy.expire_days
    return b"EXPIRE " + days + (b" USER" if differs else b"")


def _always(line: bytes, source: str) -> Capability:
    return Capability(line.partition(b" ")[0], source, lambda _connection: line)


def _extension(tag: str, source: str) -> Capability:
    def line(connection: POP3Connection) -> bytes | None:
        return tag.encode("ascii") if tag in connection.factory.policy.extensions else None

    return Capability(tag.encode("ascii"), source, line)


CAPABILITIES: tuple[Capability, ...] = (
    _always(b"TOP", "RFC 2449 section 6.1"),
    Capability(b"USER", "RFC 2449 section 6.2", _user),
    Capability(b"SASL", "RFC 5034 section 3", _sasl),
    _always(b"RESP-CODES", "RFC 2449 section 6.4"),
    Capability(b"LOGIN-DELAY", "RFC 2449 section 6.5", _login_delay),
    _always(b"PIPELINING", "RFC 2449 section 6.6"),
    Capability(b"EXPIRE", "RFC 2449 section 6.7", _expire),
    _always(b"UIDL", "RFC 2449 section 6.8"),
    _always(b"IMPLEMENTATION pop3gw", "RFC 2449 section 6.9"),
    _always(b"AUTH-RESP-CODE", "RFC 3206 section 6"),
    Capability(b"STLS", "RFC 2595 section 4", _stls),
    _always(b"UTF8 USER", "RFC 6856 section 2"),
    _always(b"LANG", "RFC 6856 section 3"),
    _extension("LAST", "RFC 1460 section 5"),
    _extension("SLEEPING", "draft-billpg-pop3-slee-wake"),
    _extension("DELI", "draft-billpg-pop3-deli"),
    _extension("UID-PARAM", "billpg.com/pop3-message-ids"),
    _extension("MULTI-LINE-IND", "billpg.com, Multi-line Response Indication"),
)


def capabilities_of(connection: POP3Connection) -> list[bytes]:
    """Return the lines of CAPA's answer."""
    lines = (row.line(connection) for row in CAPABILITIES)
    return [line for line in lines if line is not None]
