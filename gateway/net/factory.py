"""What the connections of one listener share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator, IReactorTime
from twisted.internet.protocol import ServerFactory

from gateway.events import EventStream, log_defects
from gateway.net.connection import CommandConnection
from gateway.net.limits import ConnectionLimits
from gateway.net.outbox import Outbox


def _installed_reactor() -> Any:
    from twisted.internet import reactor

    return reactor


class ConnectionFactory(ServerFactory):
    """Builds connections, knows those that live, and ends them.

    @param events: where sessions are told; by default only defects are, to Twisted's log.
    @param tls: what a handshake serves, None where TLS cannot be started on a connection.
    @param limits: shared by several factories to count their connections together.
    @param reactor: for time; the installed reactor by default.
    """

    noisy = False
    protocol: Callable[..., CommandConnection]  # type: ignore[assignment]

    def __init__(
        self,
        protocol_name: str,
        *,
        events: EventStream | None = None,
        tls: IOpenSSLServerConnectionCreator | None = None,
        limits: ConnectionLimits | None = None,
        reactor: IReactorTime | None = None,
    ) -> None:
        self.protocol_name = protocol_name
        self.events = events if events is not None else EventStream(log_defects)
        self.tls = tls
        self.limits = limits if limits is not None else ConnectionLimits()
        self.reactor: Any = reactor if reactor is not None else _installed_reactor()
        self.outbox = Outbox()
        self.connections: set[CommandConnection] = set()
        self.winding_down = False
        """Whether the gateway stops, and new connections are turned away."""
        self._all_gone: Deferred[None] | None = None

    def connected(self, connection: CommandConnection) -> None:
        """A connection of ours has begun."""
        self.connections.add(connection)

    def disconnected(self, connection: CommandConnection) -> None:
        """A connection of ours has ended."""
        self.connections.discard(connection)
        self.outbox.forget(connection)
        if self._all_gone is not None and not self.connections:
            gone, self._all_gone = self._all_gone, None
            gone.callback(None)

    def wind_down(self) -> Deferred[None]:
        """Let every connection finish what it was promised, and end it.

        @return: a Deferred that fires when none is left.
        """
        self.winding_down = True
        for connection in tuple(self.connections):
            connection.wind_down()
        if not self.connections:
            return succeed(None)
        if self._all_gone is None:
            self._all_gone = Deferred()
        return self._all_gone

    def abort_all(self) -> None:
        """End every connection now."""
        for connection in tuple(self.connections):
            connection.abort("shutting down")
