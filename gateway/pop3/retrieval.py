"""One message on its way to the client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.store.interfaces import IMessageReader
from gateway.wire.dots import DotEncoder
from gateway.wire.headers import TopCutter

if TYPE_CHECKING:
    from gateway.pop3.protocol import POP3Connection


def say_whole(connection: POP3Connection, status: bytes, message: bytes) -> None:
    """Say `status` and a message that lies in memory, dot-stuffed: what most messages need."""
    encoder = DotEncoder()
    connection.send(status)
    connection.send(encoder.encode(message))
    connection.send(encoder.finish())


class Retrieval:
    """Pulls blocks from a reader and says them to the client, dot-stuffed.

    It waits while the client does not read. What is small is thereby written together with its
    status line, in one write.

    @param cutter: what cuts the message short (TOP); None for all of it.
    """

    def __init__(
        self,
        connection: POP3Connection,
        reader: IMessageReader,
        cutter: TopCutter | None = None,
    ) -> None:
        self._connection = connection
        self._reader = reader
        self._cutter = cutter
        self._encoder = DotEncoder()
        self._waiting: Deferred[None] | None = None
        self._finished = False
        self._failure: Failure | None = None
        self.octets = 0
        """How many octets of the message were said, before dot-stuffing."""

    def begin(self, status: bytes) -> Deferred[None] | None:
        """Say `status` and the message. Raises what the reader raises.

        @return: None where all was said at once, as with most messages. Else a Deferred that fires
            after the last octet, or fails with what the reader raised: see `begun` for whether the
            client had heard `status` by then.
        """
        self._status = status
        try:
            self._pull()
        except BaseException:
            self.close()
            raise
        if self._failure is not None:
            self._failure.raiseException()
        if self._finished:
            return None
        self._waiting = Deferred()
        return self._waiting

    @property
    def begun(self) -> bool:
        """Whether the status line was said, so that a failure can no longer be a reply."""
        return not self._status

    def _pull(self) -> None:
        """Say blocks until the message ends or somebody has to be waited for."""
        while True:
            block = self._reader.read()
            if isinstance(block, Deferred):
                block.addCallbacks(self._resume_with, self._fail)
                return
            if not self._say(block):
                return

    def _resume_with(self, block: bytes) -> None:
        try:
            if self._say(block):
                self._pull()
        except Exception:
            self._fail(Failure())

    def _say(self, block: bytes) -> bool:
        """Say one block; False when it was the last, or when the client must catch up first."""
        if self._connection.ending:
            self.close()
            return False
        if self._status:
            self._connection.send(self._status)
            self._status = b""
        self.octets += len(block)
        if block:
            part = self._cutter.feed(block) if self._cutter is not None else block
            self._connection.send(self._encoder.encode(part))
        if not block or (self._cutter is not None and self._cutter.done):
            self._connection.send(self._encoder.finish())
            self.close()
            self._finish()
            return False
        if self._connection.congested:
            self._connection.call_when_drained(self._drained)
            return False
        return True

    def _drained(self) -> None:
        self._connection.call_when_drained(None)
        try:
            self._pull()
        except Exception:
            self._fail(Failure())

    def _finish(self) -> None:
        self._finished = True
        if self._waiting is not None:
            self._waiting.callback(None)

    def _fail(self, failure: Failure) -> None:
        self.close()
        if self._waiting is None:
            self._failure = failure
        elif not self._waiting.called:
            self._waiting.errback(failure)

    def close(self) -> None:
        """Give back what reading held. The Deferred of `begin` may then never fire."""
        self._connection.call_when_drained(None)
        self._reader.close()
