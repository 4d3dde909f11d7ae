"""Connections by way of a proxy, with a real SMTP session behind the header."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

from gateway.events import ProxyHeaderRefused, SessionOpened
from gateway.net.limits import ConnectionLimits
from gateway.net.networks import Networks
from gateway.net.proxied import ProxiedFactory
from gateway.smtp.protocol import SMTPConnection
from tests.dialogs.player import DialogTransport, by_octet, whole
from tests.smtp.server import Server
from tests.wire.test_proxy_header import V4_BLOCK, V6_BLOCK, v2

PROXY = IPv4Address("TCP", "10.0.0.5", 40000)
PROXY_HERE = IPv4Address("TCP", "127.0.0.1", 40000)
STRANGER = IPv4Address("TCP", "203.0.113.9", 40000)
HERE = IPv4Address("TCP", "10.0.0.1", 2525)
HEADER = b"PROXY TCP4 192.0.2.7 198.51.100.5 4711 25\r\n"
FROM_LOOPBACK = b"PROXY TCP4 127.0.0.1 127.0.0.1 4711 25\r\n"


class Transport(DialogTransport):
    """Hands what arrives to the protocol it has at that time, as a socket does."""

    def __init__(self, peer: Any, protocol: Any) -> None:
        super().__init__(hostAddress=HERE, peerAddress=peer)
        self.protocol = protocol
        protocol.makeConnection(self)

    def receive(self, octets: bytes) -> None:
        self.protocol.dataReceived(octets)


class Proxied:
    """A server behind proxies in 10.0.0.0/24 and on this machine."""

    def __init__(self, **factory: Any) -> None:
        self.server = Server(**factory)
        self.factory = ProxiedFactory(
            self.server.factory,
            Networks(["10.0.0.0/24", "127.0.0.1"]),
            protocol_name="smtp",
            events=self.server.factory.events,
            reactor=self.server.clock,
        )

    def connect(self, peer: Any) -> Transport:
        return Transport(peer, self.factory.buildProtocol(peer))

    @property
    def refusals(self) -> list[str]:
        return [event.reason for event in self.server.told(ProxyHeaderRefused)]


@pytest.mark.parametrize("split", [whole, by_octet])
@pytest.mark.parametrize(
    ("header", "client", "local"),
    [
        (HEADER, "192.0.2.7", "198.51.100.5"),
        (b"PROXY TCP6 2001:db8::7 ::1 1 25\r\n", "2001:db8::7", "::1"),
        (v2(1, 0x11, V4_BLOCK), "192.0.2.7", "198.51.100.5"),
        (v2(1, 0x21, V6_BLOCK), "2001:db8::7", "2001:db8::5"),
        # The proxy speaks for itself.
        (b"PROXY UNKNOWN\r\n", "10.0.0.5", "10.0.0.1"),
        (v2(0, 0, b""), "10.0.0.5", "10.0.0.1"),
        # On the machine of the proxy, which is not ours.
        (FROM_LOOPBACK, "10.0.0.5", "10.0.0.1"),
    ],
)
def test_the_session_has_the_address_of_the_client(
    header: bytes, client: str, local: str, split: Any
) -> None:
    proxied = Proxied()
    transport = proxied.connect(PROXY)
    assert transport.take() == b""
    assert proxied.server.told(SessionOpened) == []
    for octets in split(header + b"NOOP\r\n"):
        transport.receive(octets)
    assert transport.take().startswith(b"220 ")
    (opened,) = proxied.server.told(SessionOpened)
    assert (opened.client.host, opened.client.local_host) == (client, local)
    assert not opened.client.loopback
    transport.receive(b"NOOP\r\n")
    assert transport.take() == b"250 2.0.0 OK\r\n"
    assert isinstance(transport.protocol, SMTPConnection)
    assert not proxied.server.clock.getDelayedCalls()[1:], "only the session's timer is left"


def test_a_client_of_a_proxy_on_this_machine_may_be_on_it() -> None:
    proxied = Proxied()
    proxied.connect(PROXY_HERE).receive(FROM_LOOPBACK)
    proxied.connect(PROXY_HERE).receive(HEADER)
    first, second = (event.client for event in proxied.server.told(SessionOpened))
    assert first.loopback
    assert not second.loopback


def test_limits_count_the_client() -> None:
    proxied = Proxied(limits=ConnectionLimits(per_address=1))
    first, second, third = (proxied.connect(PROXY) for _ in range(3))
    first.receive(HEADER)
    second.receive(HEADER)
    third.receive(HEADER.replace(b"192.0.2.7", b"192.0.2.8"))
    assert first.take()[:4] == third.take()[:4] == b"220 "
    assert second.take().startswith(b"421 4.7.0 ")


@pytest.mark.parametrize("octets", [b"EHLO x\r\n", b"PROXY TCP4 x\r\n", b"\x16\x03\x01"])
@pytest.mark.parametrize("split", [whole, by_octet])
def test_without_a_valid_header_it_is_closed(octets: bytes, split: Any) -> None:
    proxied = Proxied()
    transport = proxied.connect(PROXY)
    for segment in split(octets):
        transport.receive(segment)
    assert transport.take() == b""
    assert transport.disconnected
    assert len(proxied.refusals) == 1
    assert not proxied.server.clock.getDelayedCalls()


def test_the_header_has_three_seconds() -> None:
    proxied = Proxied()
    transport = proxied.connect(PROXY)
    transport.receive(HEADER[:10])
    proxied.server.clock.advance(2.9)
    assert not transport.disconnected
    proxied.server.clock.advance(0.2)
    assert transport.disconnected
    assert proxied.refusals == ["no PROXY header came within 3 seconds"]


def test_a_proxy_that_goes_away_leaves_nothing() -> None:
    proxied = Proxied()
    transport = proxied.connect(PROXY)
    transport.protocol.connectionLost()
    assert not proxied.server.clock.getDelayedCalls()
    assert proxied.refusals == []


@pytest.mark.parametrize("peer", [STRANGER, IPv6Address("TCP", "::1", 1), UNIXAddress(b"/x")])
@pytest.mark.parametrize("split", [whole, by_octet])
def test_from_anyone_else_the_header_is_an_error(peer: Any, split: Any) -> None:
    proxied = Proxied()
    transport = proxied.connect(peer)
    assert transport.take().startswith(b"220 ")
    for octets in split(HEADER + b"EHLO x\r\n"):
        transport.receive(octets)
    assert transport.take() == b""
    assert transport.disconnected
    assert len(proxied.refusals) == 1
    assert "not in [net] proxies" in proxied.refusals[0]


def test_a_second_header_is_an_error() -> None:
    proxied = Proxied()
    transport = proxied.connect(PROXY)
    transport.receive(HEADER + HEADER)
    assert transport.disconnected


def test_version_2_from_anyone_else_is_no_session_either() -> None:
    proxied = Proxied()
    transport = proxied.connect(STRANGER)
    transport.receive(v2(1, 0x11, V4_BLOCK) + b"EHLO x\r\n")
    assert transport.disconnecting
    assert b"250" not in transport.take()


def test_a_header_that_comes_while_the_gateway_stops() -> None:
    proxied = Proxied()
    transport = proxied.connect(PROXY)
    proxied.server.factory.wind_down()
    transport.receive(HEADER)
    assert transport.take().startswith(b"421 4.3.2 ")
    assert transport.disconnecting
