"""What the system is asked to do for a connection, and what it tells about it."""

from __future__ import annotations

import math
import socket
import struct
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from gateway.net import tcp

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two ends of a TCP connection: the server's and the client's."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        server, _ = listening.accept()
    with client, server:
        yield server, client


def transport(end: socket.socket) -> SimpleNamespace:
    return SimpleNamespace(socket=end)


def test_a_peer_that_vanished_is_found_out_in_about_a_minute(pair: Pair) -> None:
    server, _ = pair
    tcp.guard(transport(server))
    assert server.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    option = {
        name: server.getsockopt(socket.IPPROTO_TCP, getattr(socket, f"TCP_{name}"))
        for name in ("NODELAY", "KEEPIDLE", "KEEPINTVL", "KEEPCNT", "USER_TIMEOUT")
    }
    assert option["NODELAY"]
    assert option["KEEPIDLE"] + option["KEEPINTVL"] * option["KEEPCNT"] == 60
    assert option["USER_TIMEOUT"] == 60_000


def test_silence_ends_with_octets_in_either_direction(pair: Pair) -> None:
    server, client = pair
    for speaker, listener in (pair, (client, server)):
        time.sleep(0.3)
        before = tcp.silent_seconds(transport(server))
        assert before is not None
        assert before >= 0.25
        speaker.sendall(b"x")
        listener.recv(1)
        after = tcp.silent_seconds(transport(server))
        assert after is not None
        assert after < before


def test_a_client_that_reads_nothing_is_silent(pair: Pair) -> None:
    server, _ = pair
    server.setblocking(False)
    deadline = time.monotonic() + 20
    silence: float | None = 0.0
    while silence is not None and silence < 1 and time.monotonic() < deadline:
        try:
            server.send(b"x" * 65536)
        except BlockingIOError:
            time.sleep(0.05)
        silence = tcp.silent_seconds(transport(server))
    assert silence is not None
    assert silence >= 1


def test_a_connection_that_was_reset_is_broken(pair: Pair) -> None:
    server, client = pair
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    deadline = time.monotonic() + 20
    while tcp.silent_seconds(transport(server)) != math.inf:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    tcp.guard(transport(server))


def test_of_other_connections_nothing_is_known() -> None:
    one, other = socket.socketpair()
    with one, other:
        for end in (transport(one), object()):
            assert tcp.silent_seconds(end) is None
            tcp.guard(end)


def test_connections_begin_with_the_options_of_their_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        tcp.guard(transport(listening))
        with socket.create_connection(listening.getsockname()):
            accepted, _ = listening.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000
                assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
