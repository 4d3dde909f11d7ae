"""Sets of networks, asked whether an address is in one of them."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


class Networks:
    """Some networks. An IPv4 address mapped into IPv6 (`::ffff:192.0.2.1`) counts as itself.

    @param networks: networks, or texts as in "192.0.2.0/24" and "2001:db8::1".
    @raise ValueError: a text is no network.
    """

    def __init__(self, networks: Iterable[str | Network] = ()) -> None:
        self._networks = tuple(ip_network(network) for network in networks)

    def __bool__(self) -> bool:
        """Say whether there are any."""
        return bool(self._networks)

    def hold(self, host: str) -> bool:
        """Say whether an address as text is in one of them; what is no IP address never is."""
        if not self._networks:
            return False
        try:
            address = ip_address(host.partition("%")[0])
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self._networks)
