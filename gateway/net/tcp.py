"""What the operating system does for a TCP connection, and what it knows about it."""

from __future__ import annotations

import math
import socket
import struct
from typing import Any

from twisted.internet.main import CONNECTION_DONE
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure

from gateway import direct_write

KEEPALIVE_IDLE_SECONDS = 30
"""After so long a silence the peer's system is asked whether it is still there."""
KEEPALIVE_INTERVAL_SECONDS = 10
KEEPALIVE_PROBES = 3
USER_TIMEOUT_SECONDS = 60
"""How long octets that were sent may stay without an acknowledgement (RFC 5482)."""

TURN_OCTETS = 262_144
"""So much is sent at once before other connections have their turn."""

# struct tcp_info of Linux: eight octets, of which the first is the state, then fields of four.
_INFO_OCTETS = 104
_STATE_CLOSED = 7
_LAST_DATA_SENT = 44
_LAST_DATA_RECEIVED = 52

_DONE = Failure(CONNECTION_DONE)

_OPTIONS = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in (
            ("TCP_NODELAY", 1),
            ("TCP_KEEPIDLE", KEEPALIVE_IDLE_SECONDS),
            ("TCP_KEEPINTVL", KEEPALIVE_INTERVAL_SECONDS),
            ("TCP_KEEPCNT", KEEPALIVE_PROBES),
            ("TCP_USER_TIMEOUT", USER_TIMEOUT_SECONDS * 1000),
        )
        if hasattr(socket, name)  # not every system has every one
    ),
)


def guard(transport: Any) -> None:
    """Have small replies sent at once, and a connection ended whose peer is gone.

    A peer that vanished without a word is found out after about a minute, whether octets are
    under way (user timeout) or not (keepalive). Does nothing to what is no TCP connection. A
    listening port may be given, too: on Linux its connections begin with its options.
    """
    connection = _tcp_socket(transport)
    if connection is None:
        return
    try:
        level, name, value = _OPTIONS[-1]
        if connection.getsockopt(level, name) == value:
            return
        for level, name, value in _OPTIONS:
            connection.setsockopt(level, name, value)
    except OSError:
        # The peer reset the connection already: that is found out at the first read.
        return


class AtOnce:
    """A plain TCP transport that sends at once what the system takes at once, but not for ever:
    the other connections have their turn, too. Everything but `write` is the transport's.

    @param transport: one of which `can_send_at_once` is true.
    """

    __slots__ = ("_left", "_transport")

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._left = TURN_OCTETS

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, octets: bytes) -> None:
        """See `ITransport.write`."""
        self._left -= len(octets)
        if self._left < 0:
            self._left = TURN_OCTETS
            self._transport.write(octets)  # and what follows it, until it has been sent
        else:
            direct_write.write(self._transport, octets)


def can_send_at_once(transport: Any) -> bool:
    """Say whether a transport is plain TCP."""
    return isinstance(transport, Connection) and not transport.TLS


def close(transport: Any) -> None:
    """Close a connection when all that was written to it has been sent.

    Call it where nothing of the connection's is at work. Where nothing is left to send that is
    now, and `connectionLost` comes from here: Twisted's `loseConnection` has the reactor ask the
    system first whether it may write, and whoever has read our last words and comes again would
    find the old connection still counted.
    """
    if direct_write.nothing_waits(transport):
        transport.connectionLost(_DONE)
    else:
        transport.loseConnection()


def silent_seconds(transport: Any) -> float | None:
    """Say for how long no octet has gone over a connection, in either direction.

    Octets that wait in the system's buffers count when they are sent, which is as fast as the
    peer acknowledges those before them.

    @return: `math.inf` where the connection is broken; None where nobody knows: it is no TCP
        connection, or the system does not tell.
    """
    connection = _tcp_socket(transport)
    if connection is None or not hasattr(socket, "TCP_INFO"):
        return None
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_OCTETS)
    except OSError:
        return None
    if len(info) < _INFO_OCTETS:
        return None
    if info[0] == _STATE_CLOSED:
        return math.inf
    sent, received = (
        struct.unpack_from("=I", info, offset)[0]
        for offset in (_LAST_DATA_SENT, _LAST_DATA_RECEIVED)
    )
    return min(sent, received) / 1000


def _tcp_socket(transport: Any) -> socket.socket | None:
    """Return the socket below a transport, through layers such as TLS; None of other kinds."""
    found = getattr(transport, "socket", None)
    if isinstance(found, socket.socket) and found.family in (socket.AF_INET, socket.AF_INET6):
        return found
    return None
