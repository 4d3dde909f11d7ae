"""What a transport tells about the client."""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address

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


def tls_parameters_of(transport: Any) -> TLSParameters:
    """Return what the handshake on `transport`, now finished, agreed on."""
    connection = transport.getHandle()
    name = connection.get_servername()
    return TLSParameters(
        version=connection.get_protocol_version_name(),
        cipher=connection.get_cipher_name() or "",
        server_name=name.decode("ascii", "replace") if name else None,
    )
