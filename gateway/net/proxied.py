"""Connections that come by way of a proxy, which says first whom it connects for."""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IDelayedCall, IProtocolFactory, IReactorTime
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from gateway.client import is_loopback
from gateway.events import EventStream, ProxyHeaderRefused
from gateway.net.networks import Networks
from gateway.wire.proxy_header import Endpoint, InvalidProxyHeader, ProxyHeader, parse_proxy_header

HEADER_SECONDS = 3.0
"""How long a proxy may take to send its header."""


class ProxiedFactory(Factory):
    """Takes the PROXY header of named proxies off; what follows is a connection like any other.

    Greeting, limits, log, TLS and what counts as loopback come after it, with the address of the
    client. A client that says it is on the machine of a proxy that is not on ours keeps the
    proxy's address: it is not on this machine.

    @param factory: builds the connections, those that begin with a TLS handshake included.
    @param proxies: from where each connection must begin with a header.
    @param protocol_name: the kind of listener, for the log.
    """

    noisy = False

    def __init__(
        self,
        factory: IProtocolFactory,
        proxies: Networks,
        *,
        protocol_name: str,
        events: EventStream,
        reactor: IReactorTime,
    ) -> None:
        self.factory: Any = factory
        self.protocol_name = protocol_name
        self.events = events
        self.reactor = reactor
        self._proxies = proxies

    def doStart(self) -> None:
        """See `IProtocolFactory`."""
        self.factory.doStart()

    def doStop(self) -> None:
        """See `IProtocolFactory`."""
        self.factory.doStop()

    def buildProtocol(self, addr: Any) -> Any:
        """Return what reads the header, or at once what serves a client that is no proxy."""
        if self._proxies.hold(getattr(addr, "host", "")):
            return HeaderReader(self)
        return self.factory.buildProtocol(addr)


class HeaderReader(Protocol):
    """Reads the header, then hands the transport over and is not heard of any more."""

    transport: Any

    def __init__(self, proxied: ProxiedFactory) -> None:
        self._proxied = proxied
        self._octets = b""
        self._call: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Give the proxy its time."""
        self._call = self._proxied.reactor.callLater(HEADER_SECONDS, self._too_late)

    def dataReceived(self, data: bytes) -> None:
        """Take octets of the header."""
        if self._call is None:
            return  # refused, and not gone yet
        self._octets += data
        try:
            header = parse_proxy_header(self._octets)
        except InvalidProxyHeader as problem:
            self._refuse(str(problem))
            return
        if header is not None:
            self._stop_clock()
            self._hand_over(header)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002
        """Forget it."""
        self._stop_clock()

    def _stop_clock(self) -> None:
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._call = None

    def _too_late(self) -> None:
        self._refuse(f"no PROXY header came within {HEADER_SECONDS:.0f} seconds")

    def _refuse(self, reason: str) -> None:
        self._stop_clock()
        peer = self.transport.getPeer().host
        self._proxied.events.emit(ProxyHeaderRefused(self._proxied.protocol_name, peer, reason))
        self.transport.abortConnection()

    def _hand_over(self, header: ProxyHeader) -> None:
        transport = self.transport
        proxy = transport.getPeer().host
        if header.source and header.destination and _believable(header.source[0], proxy):
            peer, host = _address(header.source), _address(header.destination)
            # Whatever is built on the transport, TLS included, asks it for these.
            transport.getPeer = lambda: peer
            transport.getHost = lambda: host
        protocol = self._proxied.factory.buildProtocol(transport.getPeer())
        rest = self._octets[header.octets :]
        transport.protocol = protocol
        protocol.makeConnection(transport)
        if rest:
            protocol.dataReceived(rest)


def _believable(source: str, proxy: str) -> bool:
    return is_loopback(proxy) or not is_loopback(source)


def _address(endpoint: Endpoint) -> IPv4Address | IPv6Address:
    host, port = endpoint
    return IPv6Address("TCP", host, port) if ":" in host else IPv4Address("TCP", host, port)
