"""Sets of networks."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from gateway.net.networks import Networks


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("192.0.2.1", True),
        ("192.0.3.1", False),
        ("::ffff:192.0.2.200", True),
        ("2001:db8::1", True),
        ("2001:db8::1%eth0", True),
        ("2001:db8::2", False),
        ("unix", False),
        ("", False),
    ],
)
def test_hold(host: str, expected: bool) -> None:
    networks = Networks(("192.0.2.0/24", ip_network("2001:db8::1")))
    assert networks.hold(host) is expected


def test_none_at_all() -> None:
    assert not Networks()
    assert not Networks().hold("192.0.2.1")
    assert Networks(["0.0.0.0/0"])


def test_what_is_no_network() -> None:
    with pytest.raises(ValueError, match="example"):
        Networks(["example.com"])
