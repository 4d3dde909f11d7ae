"""What CAPA lists (RFC 2449): one row for each capability, asked of the session as it is now."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.pop3.protocol import POP3Connection

Row = Callable[["POP3Connection"], bytes | None]


def _user(connection: POP3Connection) -> bytes | None:
    return b"USER" if connection.plaintext_allowed else None


def _sasl(connection: POP3Connection) -> bytes | None:
    names = connection.mechanisms
    return b"SASL " + " ".join(names).encode("ascii") if names else None


def _stls(connection: POP3Connection) -> bytes | None:
    offered = connection.factory.tls is not None and not connection.secure
    return b"STLS" if offered and not connection.logged_in else None


def _always(line: bytes) -> Row:
    return lambda _connection: line


ROWS: tuple[Row, ...] = (
    _always(b"TOP"),  # RFC 2449 section 6.1
    _user,  # 6.2
    _sasl,  # 6.3, RFC 5034
    _always(b"RESP-CODES"),  # 6.4
    _always(b"LOGIN-DELAY 0"),  # 6.5
    _always(b"PIPELINING"),  # 6.6
    _always(b"EXPIRE NEVER"),  # 6.7
    _always(b"UIDL"),  # 6.8
    _always(b"IMPLEMENTATION pop3gw"),  # 6.9
    _always(b"AUTH-RESP-CODE"),  # RFC 3206
    _stls,  # RFC 2595 section 4
)


def capabilities_of(connection: POP3Connection) -> list[bytes]:
    """Return the lines of CAPA's answer."""
    return [line for row in ROWS if (line := row(connection)) is not None]
