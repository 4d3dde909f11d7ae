"""What follows DATA, taken in blocks (RFC 5321 section 4.1.1.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred

from gateway.net.handlers import Result
from gateway.smtp.message import IncomingMessage, Outcome
from gateway.wire.dots import BareNewlines, DataDecoder
from gateway.wire.replies import SMTPReply
from gateway.wire.smtp_replies import DEFECT_REPLIES

if TYPE_CHECKING:
    from gateway.smtp.protocol import SMTPConnection


class DataReceiver:
    """Takes the blocks of one message, and gives the connection back at its end.

    @param done: called with the replies to the message; returns the last of them.
    """

    def __init__(
        self,
        connection: SMTPConnection,
        message: IncomingMessage,
        bare_newlines: BareNewlines,
        done: Callable[[Outcome], SMTPReply | None],
    ) -> None:
        self._connection = connection
        self._message = message
        self._decoder = DataDecoder(bare_newlines)
        self._done = done

    def take(self, block: bytes) -> Result:
        """Take the next octets from the client."""
        decoder = self._decoder
        octets = decoder.feed(block)
        if decoder.defect is not None:
            self._message.refuse(DEFECT_REPLIES[decoder.defect])
        written = self._message.write(octets) if octets else None
        if not decoder.finished:
            return written
        self._connection.take_lines(decoder.unused)
        if written is None:
            return self._finish()
        return written.addCallback(self._finish)

    def _finish(self, _: object = None) -> Result:
        outcome = self._message.finish()
        if isinstance(outcome, Deferred):
            return self._connection.render_answer(outcome.addCallback(self._done))
        return self._connection.render(self._done(outcome))
