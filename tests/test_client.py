"""What counts as this machine."""

from __future__ import annotations

import pytest

from gateway.client import Client, is_loopback


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "::1%lo", "unix"]
)
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "0.0.0.0", "::", "localhost", "127"]
)
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_each_client_has_an_id_of_its_own() -> None:
    assert len({Client("pop3", "192.0.2.1").id for _ in range(100)}) == 100
