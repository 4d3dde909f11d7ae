"""Listeners: endpoint strings in, bound ports or helpful errors out. On real sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.internet.selectreactor import SelectReactor

from gateway.net.listeners import Listener, ListenError, address_text


@pytest.fixture
def reactor() -> Iterator[SelectReactor]:
    reactor = SelectReactor()
    yield reactor
    reactor.removeAll()


def bind(reactor: SelectReactor, endpoint: str) -> Listener:
    listener = Listener("pop3", endpoint, Factory())
    listener.bind(reactor)
    return listener


def stop(listener: Listener, reactor: SelectReactor) -> None:
    stopped = Deferred.fromCoroutine(listener.stop())
    for _ in range(10):
        reactor.iterate(0.01)
    assert stopped.called


def test_a_port_is_bound_at_once_and_once(reactor: SelectReactor) -> None:
    listener = bind(reactor, "tcp:0:interface=127.0.0.1")
    address = listener.address
    listener.bind(reactor)
    assert listener.address == address == f"127.0.0.1:{listener.port}"
    socket.create_connection(("127.0.0.1", listener.port), timeout=5).close()
    stop(listener, reactor)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), timeout=5)


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (IPv4Address("TCP", "0.0.0.0", 25), "0.0.0.0:25"),
        (IPv6Address("TCP", "::1", 110), "[::1]:110"),
        (UNIXAddress(b"/run/lmtp"), "unix:/run/lmtp"),
    ],
)
def test_addresses_as_text(address: object, text: str) -> None:
    assert address_text(address) == text


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("foo:1", 'there is no endpoint of the kind "foo"'),
        ("", 'there is no endpoint of the kind ""'),
        ("tcp", '"tcp" is no endpoint'),
        ("tcp:x", '"tcp:x" is no endpoint'),
        ("tcp:1:what=2", '"tcp:1:what=2" is no endpoint'),
        ("tcp:99999", "tcp:99999 cannot be bound"),
        ("tcp:0:interface=192.0.2.77", "names an address that this machine does not have"),
        ("unix:/nonsense/socket", "there is no folder /nonsense"),
    ],
)
def test_what_cannot_be_bound_is_explained(
    reactor: SelectReactor, endpoint: str, expected: str
) -> None:
    with pytest.raises(ListenError) as caught:
        bind(reactor, endpoint)
    assert expected in caught.value.problem
    assert caught.value.remedy
    assert not caught.value.taken


def test_a_path_that_is_too_long_is_explained(reactor: SelectReactor, tmp_path: Path) -> None:
    with pytest.raises(ListenError) as caught:
        bind(reactor, f"unix:{tmp_path}/{'a' * 200}")
    assert "cannot be bound: AF_UNIX path too long" in caught.value.problem


def test_what_is_taken_is_called_taken(reactor: SelectReactor, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        with pytest.raises(ListenError) as caught:
            bind(reactor, f"tcp:{other.getsockname()[1]}:interface=127.0.0.1")
        assert caught.value.taken
    listener = bind(reactor, f"unix:{tmp_path}/socket")
    with pytest.raises(ListenError) as caught:
        bind(reactor, f"unix:{tmp_path}/socket")
    assert caught.value.taken
    stop(listener, reactor)


def test_a_listener_that_failed_may_be_bound_later(reactor: SelectReactor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        listener = Listener("smtp", f"tcp:{other.getsockname()[1]}:interface=127.0.0.1", Factory())
        with pytest.raises(ListenError):
            listener.bind(reactor)
        assert listener.address == ""
    listener.bind(reactor)
    assert listener.port
    stop(listener, reactor)
