"""The live sessions of this process: who is here, and ending them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gateway.net.connection import CommandConnection
from gateway.net.factory import ConnectionFactory


class SessionTable:
    """Looks into the factories; keeps nothing itself.

    @param factories: of all listeners.
    """

    def __init__(self, factories: Sequence[ConnectionFactory]) -> None:
        self._factories = factories

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
            }
            for client in clients
        ]

    def kick(self, user: str) -> int:
        """Cut the connections of a user, without an UPDATE; return how many there were.

        @param user: the address, in any case.
        """
        sessions = [c for c in self._connections() if _is_user(c, user.lower())]
        for session in sessions:
            session.abort("ended by the administrator")
        return len(sessions)


def _is_user(connection: CommandConnection, user: str) -> bool:
    return connection.client.user is not None and connection.client.user.lower() == user
