"""How many connections there may be, in all and from one address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from gateway.client import Client
from gateway.net.networks import Network, Networks
from gateway.shared.counts import SharedCounts

_TRIES = 4


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


class SharedConnectionLimits(ConnectionLimits):
    """Counts the connections of all workers together.

    @param counts: what they share.
    """

    def __init__(
        self,
        counts: SharedCounts,
        total: int = 0,
        per_address: int = 0,
        exempt_networks: Iterable[str | Network] = (),
    ) -> None:
        super().__init__(total, per_address, exempt_networks)
        self._counts = counts

    @property
    def full(self) -> bool:
        """Whether there is no room for one more, from wherever it comes."""
        return 0 < self._total <= self._counts.total()

    def admit(self, client: Client) -> bool:
        """See `ConnectionLimits.admit`."""
        # Said first and looked at then, so that two workers never both give the last place away.
        # Where they ask for it at the same moment, both take it back and try again.
        for _ in range(_TRIES):
            if not self._has_room(client, 1):
                return False
            self._counts.enter(client.host)
            if self._has_room(client, 0):
                return True
            self._counts.leave(client.host)
        return False

    def _has_room(self, client: Client, more: int) -> bool:
        if self._total and self._counts.total() + more > self._total:
            return False
        if not self._per_address or self.is_exempt(client):
            return True
        return self._counts.of(client.host) + more <= self._per_address

    def leave(self, client: Client) -> None:
        """See `ConnectionLimits.leave`."""
        self._counts.leave(client.host)
