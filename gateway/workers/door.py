"""Taking connections from a socket that several processes listen on, each its share."""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.interfaces import IReadDescriptor
from zope.interface import implementer


class Doorkeeper(Protocol):
    """Says which worker should take connections."""

    def pause(self) -> float:
        """Return for how many seconds to wait before one is taken, 0.0 if not at all."""

    def room(self) -> int:
        """Return how many may be taken before others should."""


@implementer(IReadDescriptor)
class Door:
    """Stands in for a listening port in the reactor.

    All workers are woken by a connection, and the fastest would have most of them. So one may wait
    a moment; whoever is there first then takes what is left.

    @param port: a port of Twisted's, which the reactor does not read from.
    @param keeper: asked when somebody wants to connect.
    """

    def __init__(self, port: Any, keeper: Doorkeeper, reactor: Any) -> None:
        self._port = port
        self._keeper = keeper
        self._reactor = reactor
        self._call: Any = None
        self._waited = False

    def open(self) -> None:
        """Take connections."""
        self._call = None
        self._reactor.addReader(self)

    def close(self) -> None:
        """Take no more."""
        if self._call is not None:
            self._call.cancel()
            self._call = None
        else:
            self._reactor.removeReader(self)

    def fileno(self) -> int:
        """See `IFileDescriptor`."""
        return int(self._port.fileno())

    def logPrefix(self) -> str:
        """See `ILoggingContext`."""
        return str(self._port.logPrefix())

    def doRead(self) -> None:
        """Somebody wants to connect."""
        if not self._waited and (seconds := self._keeper.pause()):
            self._waited = True
            self._reactor.removeReader(self)
            self._call = self._reactor.callLater(seconds, self.open)
            return
        self._waited = False
        self._port.numberAccepts = max(1, self._keeper.room())
        self._port.doRead()

    def connectionLost(self, reason: object) -> None:
        """See `IFileDescriptor`: the reactor stops, or the socket was shut."""
