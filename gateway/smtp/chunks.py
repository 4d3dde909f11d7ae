"""What follows BDAT: as many octets as it says (RFC 3030)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from gateway.net.handlers import Result
from gateway.smtp.message import IncomingMessage, Outcome
from gateway.wire.dots import BareNewlines, BlockChecker
from gateway.wire.replies import SMTPReply
from gateway.wire.smtp_commands import BdatCommand
from gateway.wire.smtp_replies import CHUNK_RECEIVED, DEFECT_REPLIES

if TYPE_CHECKING:
    from gateway.smtp.protocol import SMTPConnection

Answer = SMTPReply | Deferred[Any] | None
"""What a command gives: its reply, a Deferred of it, or None where it has been or will be given."""

_LINE_END = b"\r\n"


class ChunkedMessage:
    """The octets of one message that comes in chunks. They follow the same rules as after DATA."""

    def __init__(self, message: IncomingMessage, bare_newlines: BareNewlines) -> None:
        self._message = message
        self._checker = BlockChecker(bare_newlines)
        self._last = _LINE_END
        """The last octets that were handed on. An empty message needs no line end."""

    def expect(self, octets: int) -> None:
        """A chunk of so many octets follows."""
        self._message.expect(octets)

    def write(self, octets: bytes) -> Deferred[None] | None:
        """Take the next octets of a chunk."""
        return self._hand_on(self._checker.feed(octets))

    def tell_refusal(self) -> SMTPReply | None:
        """Return the reply that refuses the message already at the end of a chunk, or None."""
        return self._message.tell_refusal()

    def finish(self) -> Outcome | Deferred[Outcome]:
        """The last chunk has come."""
        rest = self._checker.finish()
        if not (self._last + rest).endswith(_LINE_END):
            rest += _LINE_END
        written = self._hand_on(rest)
        if written is None:
            return self._message.finish()
        return written.addCallback(lambda _: self._message.finish())

    def _hand_on(self, octets: bytes) -> Deferred[None] | None:
        if self._checker.defect is not None:
            self._message.refuse(DEFECT_REPLIES[self._checker.defect])
        if not octets:
            return None
        self._last = (self._last + octets[-2:])[-2:]
        return self._message.write(octets)


class _CountedBlocks:
    """Takes blocks until a number of octets has come, then lines again."""

    def __init__(
        self,
        connection: SMTPConnection,
        octets: int,
        write: Callable[[bytes], Deferred[None] | None],
        ended: Callable[[], Answer],
    ) -> None:
        self._connection = connection
        self._left = octets
        self._write = write
        self._ended = ended

    def begin(self) -> Answer:
        """Let them come; return the answer where there are none."""
        if not self._left:
            return self._ended()
        self._connection.take_blocks(self._take)
        return None

    def _take(self, block: bytes) -> Result:
        octets = block if len(block) <= self._left else block[: self._left]
        self._left -= len(octets)
        written = self._write(octets)
        if self._left:
            return written
        self._connection.take_lines(block[len(octets) :])
        if written is None:
            return self._connection.render_answer(self._ended())
        answered: Deferred[Any] = written.addCallback(lambda _: self._ended())
        return self._connection.render_answer(answered)


def take_chunk(
    connection: SMTPConnection,
    message: ChunkedMessage,
    command: BdatCommand,
    done: Callable[[Outcome], SMTPReply | None],
) -> Answer:
    """Let one chunk come.

    @param done: called with the replies to the message after the last chunk; returns the last of
        them.
    """

    def ended() -> Answer:
        if not command.last:
            received = CHUNK_RECEIVED.with_text(f"{command.octets} octets received")
            return message.tell_refusal() or received
        outcome = message.finish()
        return outcome.addCallback(done) if isinstance(outcome, Deferred) else done(outcome)

    message.expect(command.octets)
    return _CountedBlocks(connection, command.octets, message.write, ended).begin()


def skip_chunk(connection: SMTPConnection, octets: int, refusal: SMTPReply) -> Answer:
    """Let a chunk come that cannot be taken, and refuse it when it is over."""
    return _CountedBlocks(connection, octets, lambda _: None, lambda: refusal).begin()
