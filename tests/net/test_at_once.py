"""Replies are sent at once where the system takes them, without keeping others waiting."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from twisted.internet.protocol import Protocol
from twisted.internet.tcp import Server
from twisted.internet.testing import MemoryReactor

from gateway.net.tcp import TURN_OCTETS, AtOnce, can_send_at_once


@pytest.fixture
def ends() -> Iterator[tuple[Server, socket.socket]]:
    """A transport of Twisted's whose reactor never has a turn, and the client's end."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        connection, address = listening.accept()
    connection.setblocking(False)
    transport = Server(connection, Protocol(), address, None, 1, MemoryReactor())  # type: ignore[arg-type]
    client.settimeout(5)
    with client, connection:
        yield transport, client


def test_a_reply_needs_no_turn_of_the_reactor(ends: tuple[Server, socket.socket]) -> None:
    transport, client = ends
    assert can_send_at_once(transport)
    AtOnce(transport).write(b"+OK\r\n")
    assert client.recv(100) == b"+OK\r\n"


def test_the_others_have_their_turn_however_fast_the_client_reads(
    ends: tuple[Server, socket.socket],
) -> None:
    transport, client = ends
    at_once, block, sent = AtOnce(transport), b"x" * 4096, 0
    while not transport.dataBuffer and not transport._tempDataBuffer:
        at_once.write(block)
        sent += len(block)
        assert sent <= TURN_OCTETS + len(block)
        if not transport._tempDataBuffer:
            assert len(client.recv(len(block), socket.MSG_WAITALL)) == len(block)
    at_once.write(b"later")
    assert b"".join(transport._tempDataBuffer) == block + b"later"


def test_everything_else_is_the_transports(ends: tuple[Server, socket.socket]) -> None:
    transport, _ = ends
    assert AtOnce(transport).getPeer() == transport.getPeer()


def test_only_plain_tcp_is_written_to_directly(ends: tuple[Server, socket.socket]) -> None:
    transport, _ = ends
    transport.TLS = True
    assert not can_send_at_once(transport)
    assert not can_send_at_once(object())
