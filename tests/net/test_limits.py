"""How many connections there may be."""

from __future__ import annotations

from gateway.client import Client
from gateway.net.limits import ConnectionLimits


def client(host: str) -> Client:
    return Client("pop3", host)


def test_total() -> None:
    limits = ConnectionLimits(total=2)
    first, second = client("192.0.2.1"), client("127.0.0.1")
    assert limits.admit(first)
    assert limits.admit(second)
    assert not limits.admit(client("192.0.2.3"))
    limits.leave(first)
    assert limits.admit(client("192.0.2.3"))


def test_one_address() -> None:
    limits = ConnectionLimits(per_address=2)
    clients = [client("192.0.2.1") for _ in range(3)]
    assert [limits.admit(one) for one in clients] == [True, True, False]
    assert limits.admit(client("192.0.2.2"))
    limits.leave(clients[0])
    assert limits.admit(clients[2])


def test_this_machine_is_exempt_from_the_limit_for_one_address() -> None:
    limits = ConnectionLimits(per_address=1)
    for host in ("127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1", "unix"):
        assert limits.admit(client(host))
        assert limits.admit(client(host))


def test_exempt_networks() -> None:
    limits = ConnectionLimits(total=3, per_address=1, exempt_networks=["192.0.2.0/28"])
    relay, other = client("192.0.2.7"), client("192.0.2.20")
    assert limits.is_exempt(relay)
    assert not limits.is_exempt(other)
    assert [limits.admit(other) for _ in range(2)] == [True, False]
    assert [limits.admit(relay) for _ in range(3)] == [True, True, False], "in all, there is one"


def test_no_limit() -> None:
    limits = ConnectionLimits()
    assert all(limits.admit(client("192.0.2.1")) for _ in range(1000))
