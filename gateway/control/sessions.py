"""The live sessions of this process: who is here, and ending them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gateway.client import Client
from gateway.net.connection import CommandConnection
from gateway.net.factory import ConnectionFactory


class SessionTable:
    """Looks into the factories; keeps nothing itself.

    @param factories: of all listeners.
    """

    def __init__(self, factories: Sequence[ConnectionFactory]) -> None:
        self._factories = factories
        found = {getattr(factory, "authenticator", None) for factory in factories}
        self._authenticators = [one for one in found if one is not None]

    def _connections(self) -> Iterator[CommandConnection]:
        for factory in self._factories:
            yield from tuple(factory.connections)

    def rows(self) -> list[dict[str, Any]]:
        """Return what is known of each session, the oldest first."""
        clients = sorted((c.client for c in self._connections()), key=lambda c: c.connected_at)
        return [
            {
                "id": client.id,
                "protocol": client.protocol,
                "host": client.host,
                "port": client.port,
                "user": client.user,
                "tls": client.tls.version if client.tls else None,
                "since": client.connected_at,
                "silent": round(min(client.silent_seconds(), 1e9), 1),
            }
            for client in clients
        ]

    def kick(self, user: str) -> int:
        """Cut the connections of a user, without an UPDATE; return how many there were.

        Logins that are under way are not let in: they may rest on what is no longer so.

        @param user: the address, in any case.
        """
        for logins in self._authenticators:
            logins.revoke(user.lower())
        return self._kick(lambda client: (client.user or "").lower() == user.lower() != "")

    def kick_id(self, session_id: str) -> int:
        """Cut the connection with this id, without an UPDATE; return how many there were."""
        return self._kick(lambda client: client.id == session_id)

    def kick_host(self, host: str) -> int:
        """Cut all connections from an address, without an UPDATE; return how many there were."""
        return self._kick(lambda client: client.host.lower() == host.lower())

    def _kick(self, is_meant: Callable[[Client], bool]) -> int:
        sessions = [c for c in self._connections() if is_meant(c.client)]
        for session in sessions:
            session.abort("ended by the administrator")
        return len(sessions)
