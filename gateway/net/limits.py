"""How many connections there may be, in all and from one address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from gateway.client import Client
from gateway.net.networks import Network, Networks


class ConnectionLimits:
    """Counts the connections of all listeners that share it.

    Clients on this machine and in exempt networks are exempt from the limit for one address.

    @param total: most connections at a time; 0 for no limit.
    @param per_address: most connections from one address at a time; 0 for no limit.
    @param exempt_networks: relays and filters, as networks or texts.
    """

    def __init__(
        self,
        total: int = 0,
        per_address: int = 0,
        exempt_networks: Iterable[str | Network] = (),
    ) -> None:
        self._total = total
        self._per_address = per_address
        self._exempt = Networks(exempt_networks)
        self._by_host: Counter[str] = Counter()
        self._count = 0

    def admit(self, client: Client) -> bool:
        """Count a new connection; False where it is one too many, and then it is not counted."""
        if self._total and self._count >= self._total:
            return False
        if self._by_host[client.host] >= self._per_address > 0 and not self.is_exempt(client):
            return False
        self._count += 1
        self._by_host[client.host] += 1
        return True

    def is_exempt(self, client: Client) -> bool:
        """Say whether the client's address may have as many connections as it likes."""
        return client.loopback or self._exempt.hold(client.host)

    def leave(self, client: Client) -> None:
        """A connection that was admitted has ended."""
        self._count -= 1
        self._by_host[client.host] -= 1
        if not self._by_host[client.host]:
            del self._by_host[client.host]
