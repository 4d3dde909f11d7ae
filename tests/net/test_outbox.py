"""What is said in a turn of the reactor is written at its end; what is over is closed there."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.internet.tcp import Server
from twisted.internet.testing import MemoryReactor

from gateway.net import tcp
from gateway.net.outbox import Outbox


class Speaker:
    """Notes its name when it writes."""

    def __init__(self, name: str, written: list[str], ending: bool = False) -> None:
        self._name = name
        self._written = written
        self.ending = ending

    def write_out(self) -> None:
        self._written.append(self._name)


def test_those_who_talk_in_one_turn_are_answered_at_its_end_in_order() -> None:
    outbox, clock, written = Outbox(), Clock(), list[str]()
    for name in "abc":
        outbox.add(Speaker(name, written), clock)
    assert written == []
    assert len(clock.getDelayedCalls()) == 1
    clock.advance(0)
    assert written == ["a", "b", "c"]


def test_who_talks_alone_is_answered_at_once() -> None:
    outbox, clock, written = Outbox(), Clock(), list[str]()
    alone, other = Speaker("alone", written), Speaker("other", written)
    outbox.add(alone, clock)
    clock.advance(0)
    outbox.add(alone, clock)
    assert written == ["alone", "alone"]
    outbox.add(other, clock)
    outbox.add(alone, clock)
    assert written == ["alone", "alone"], "now there are two"
    clock.advance(0)
    assert written == ["alone", "alone", "other", "alone"]


def test_nobody_is_closed_while_he_is_at_work() -> None:
    outbox, clock, written = Outbox(), Clock(), list[str]()
    speaker = Speaker("a", written)
    outbox.add(speaker, clock)
    clock.advance(0)
    speaker.ending = True
    outbox.add(speaker, clock)
    assert written == ["a"]
    clock.advance(0)
    assert written == ["a", "a"]


class Lost(Protocol):
    """Knows whether its connection has ended."""

    ended = False

    def connectionLost(self, reason: object = None) -> None:
        self.ended = True


@pytest.fixture
def ends() -> Iterator[tuple[Server, Lost, socket.socket]]:
    """A transport of Twisted's whose reactor never has a turn, its protocol, the client's end."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        connection, address = listening.accept()
    protocol = Lost()
    transport = Server(connection, protocol, address, None, 1, MemoryReactor())  # type: ignore[arg-type]
    client.settimeout(5)
    with client, connection:
        yield transport, protocol, client


def test_last_words_and_the_end_need_no_turn_of_the_reactor(
    ends: tuple[Server, Lost, socket.socket],
) -> None:
    transport, protocol, client = ends
    tcp.AtOnce(transport).write(b"+OK goodbye\r\n")
    tcp.close(transport)
    assert protocol.ended
    assert client.recv(100) == b"+OK goodbye\r\n"
    assert client.recv(100) == b""


def test_what_waits_is_sent_first(ends: tuple[Server, Lost, socket.socket]) -> None:
    transport, protocol, client = ends
    transport.write(b"later")
    tcp.close(transport)
    assert not protocol.ended
    transport.doWrite()
    assert client.recv(100) == b"later"
