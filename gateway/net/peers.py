"""What a transport tells about the client."""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import ISSLTransport

from gateway.client import Client, TLSParameters


def client_of(transport: Any, protocol: str) -> Client:
    """Return a new `Client` for the peer of `transport`."""
    peer, host = transport.getPeer(), transport.getHost()
    name, port = _host_port(peer)
    return Client(protocol, name, port, local_host=_host_port(host)[0])


def _host_port(address: object) -> tuple[str, int]:
    # Whatever has no IP address is a unix socket, a pipe or a test: this machine.
    if isinstance(address, IPv4Address | IPv6Address):
        return address.host, address.port
    return "unix", 0


def octets_wait(transport: Any) -> bool:
    """Say whether the peer has sent something that was not read yet.

    False where that cannot be known, as with TLS, whose handshake the client begins.
    """
    if ISSLTransport.providedBy(transport) or not hasattr(transport, "getHandle"):
        return False
    peek = getattr(transport.getHandle(), "recv", None)
    try:
        return peek is not None and bool(peek(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except OSError:
        return False


def tls_parameters_of(transport: Any) -> TLSParameters:
    """Return what the handshake on `transport`, now finished, agreed on."""
    connection = transport.getHandle()
    name = connection.get_servername()
    return TLSParameters(
        version=connection.get_protocol_version_name(),
        cipher=connection.get_cipher_name() or "",
        server_name=name.decode("ascii", "replace") if name else None,
    )
