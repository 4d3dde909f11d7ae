"""The line between the supervisor and a worker: one word on a line, and its end tells of an end."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.interfaces import IReactorSocket
from twisted.internet.protocol import Factory, connectionDone
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

READY = b"ready"
"""A worker serves."""
DEAF = b"deaf"
"""A worker that stops has let go of the sockets."""
STOP = b"stop"
RELOAD = b"reload"


class Line(LineOnlyReceiver):
    """One end of it.

    @param words: what to do about each word.
    @param ended: called when the process at the other end is gone.
    """

    delimiter = b"\n"
    transport: Any

    def __init__(
        self, words: Mapping[bytes, Callable[[], object]], ended: Callable[[], object]
    ) -> None:
        self._words = words
        self._ended = ended

    def lineReceived(self, line: bytes) -> None:
        """Do what a word says."""
        self._words[line]()

    def say(self, word: bytes) -> None:
        """Send a word; nobody may hear it."""
        if self.transport is not None and self.transport.connected:
            self.sendLine(word)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002
        """The other process is gone."""
        self._ended()


def connect(reactor: IReactorSocket, end: socket.socket, line: Line) -> None:
    """Let `line` speak through a socket, which is given away."""
    factory = Factory.forProtocol(lambda: line)
    factory.noisy = False
    end.setblocking(False)
    with end:
        reactor.adoptStreamConnection(end.fileno(), socket.AF_UNIX, factory)  # type: ignore[arg-type]
