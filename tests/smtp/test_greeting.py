"""Clients that talk before the greeting."""

from __future__ import annotations

import socket

import pytest
from twisted.internet.address import IPv4Address

from gateway.events import SessionClosed, TalkedTooEarly
from gateway.net.limits import ConnectionLimits
from gateway.smtp import SMTPPolicy
from tests.dialogs.player import DialogTransport
from tests.smtp.server import AFAR, HERE, LOOPBACK, Server

RELAY = IPv4Address("TCP", "192.0.2.200", 50000)


@pytest.fixture
def server() -> Server:
    made = Server(limits=ConnectionLimits(exempt_networks=["192.0.2.200"]))
    made.factory.policy = SMTPPolicy(hostname="mail.example.com", greeting_delay_seconds=5)
    return made


def test_the_greeting_waits(server: Server) -> None:
    client = server.connect()
    assert client.greeting == b""
    server.clock.advance(4.9)
    assert client.transport.take() == b""
    server.clock.advance(0.2)
    assert client.transport.take().startswith(b"220 ")
    assert client.codes(b"NOOP\r\n") == ["250 2.0.0"]


def test_who_talks_meanwhile_is_refused(server: Server) -> None:
    client = server.connect()
    assert client.codes(b"EHLO x\r\nMAIL FROM:<a@x.example>\r\n") == ["554 5.5.1"]
    assert client.transport.disconnecting
    assert len(server.told(TalkedTooEarly)) == 1
    client.lose()
    assert not server.clock.getDelayedCalls()
    assert server.told(SessionClosed)[0].reason == "talked before the greeting"
    server.check_clean()


@pytest.mark.parametrize("peer", [LOOPBACK, RELAY])
def test_nobody_exempt_waits(server: Server, peer: IPv4Address) -> None:
    assert server.connect(peer).greeting.startswith(b"220 ")


@pytest.mark.parametrize("end", ["lost", "stopped"])
def test_the_end_comes_before_the_greeting(server: Server, end: str) -> None:
    client = server.connect()
    if end == "stopped":
        server.factory.wind_down()
        assert client.transport.take().startswith(b"421 4.3.2 ")
    client.lose()
    assert not server.clock.getDelayedCalls()
    server.check_clean()


class WithSocket(DialogTransport):
    """A transport whose socket may have something to read."""

    def __init__(self, handle: socket.socket) -> None:
        super().__init__(hostAddress=HERE, peerAddress=AFAR)
        self._handle = handle

    def getHandle(self) -> socket.socket:  # type: ignore[override]
        return self._handle


@pytest.mark.parametrize("early", [True, False])
def test_without_a_delay_it_is_told(early: bool) -> None:
    server = Server()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        if early:
            theirs.sendall(b"EHLO x\r\n")
        transport = WithSocket(ours)
        protocol = server.factory.buildProtocol(AFAR)
        protocol.makeConnection(transport)
        assert len(server.told(TalkedTooEarly)) == early
        assert transport.take().startswith(b"220 ")
