"""The connection on which an SMTP or LMTP session runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from twisted.python.failure import Failure

from gateway.delivery.interfaces import Refused
from gateway.net.connection import CommandConnection, Result
from gateway.smtp.chunks import Answer
from gateway.smtp.session import Session
from gateway.wire import smtp_replies as replies
from gateway.wire.replies import SMTPReply, SyntaxProblem

if TYPE_CHECKING:
    from gateway.smtp.factory import SMTPFactory

_encoded = lru_cache(maxsize=256)(SMTPReply.__bytes__)
"""Most replies are the same few, again and again."""


class SMTPConnection(CommandConnection):
    """Hands each line to the session, and sends what it answers."""

    factory: SMTPFactory

    session: Session | None = None
    """None where the connection was one too many."""
    continuation: Callable[[bytes], Answer] | None = None
    """Takes the next line instead of the session: an exchange of AUTH is under way."""

    _errors = 0
    _commands = 0

    # Lines -------------------------------------------------------------------------------------

    def handle_start(self) -> bytes:
        """Greet the client (RFC 5321 section 4.2, RFC 2033 section 4)."""
        self.session = Session(self)
        protocol = "LMTP" if self.factory.lmtp else "ESMTP"
        return bytes(SMTPReply(220, "", f"{self.factory.hostname} {protocol} pop3gw"))

    def handle_line(self, line: bytes) -> Result:
        """Carry out a command, or go on with an exchange."""
        assert self.session is not None
        self._commands += 1
        if self._commands > self.factory.policy.commands > 0:
            self.end("too many commands", bytes(replies.TOO_MANY_COMMANDS))
            return None
        try:
            answer = self.continuation(line) if self.continuation else self.session.handle(line)
        except (SyntaxProblem, Refused) as problem:
            return self.render(problem.reply)
        return self.render_answer(answer)

    def handle_overlong_line(self) -> Result:
        """Refuse a line that is longer than any command."""
        if self.continuation is not None:
            self.continuation = None
            return self.render(replies.AUTH_LINE_TOO_LONG)
        return self.render(replies.LINE_TOO_LONG)

    # Replies -----------------------------------------------------------------------------------

    def render_answer(self, answer: Answer) -> Result:
        """Return what is sent for the answer to a command, or a Deferred of it."""
        if answer is None or isinstance(answer, SMTPReply):
            return self.render(answer)
        return answer.addCallbacks(self.render, self._render_refusal)

    def _render_refusal(self, failure: Failure) -> bytes | None:
        failure.trap(Refused)
        return self.render(failure.value.reply)

    def render(self, reply: SMTPReply | None) -> bytes | None:
        """Return what is sent for a reply; after too many errors, say so and end."""
        if reply is None:
            return None
        if reply.permanent and not self._bear_error():
            self.end("too many errors", bytes(reply) + bytes(replies.TOO_MANY_ERRORS))
            return None
        return _encoded(reply)

    def _bear_error(self) -> bool:
        self._errors += 1
        return self._errors < self.factory.policy.errors

    def forgive_errors(self) -> None:
        """The client has done something that makes sense: count errors and commands anew."""
        self._errors = self._commands = 0

    # What the frame asks -----------------------------------------------------------------------

    @property
    def idle_seconds(self) -> float:
        """See `CommandConnection`."""
        return self.factory.policy.idle_seconds

    @property
    def greeting_delay_seconds(self) -> float:
        """See `CommandConnection`."""
        return self.factory.policy.greeting_delay_seconds

    def handle_early(self) -> bytes:
        """See `CommandConnection`."""
        return bytes(replies.TALKED_TOO_EARLY)

    def handle_failure(self) -> bytes:
        """See `CommandConnection`."""
        return bytes(replies.LOCAL_ERROR)

    def handle_too_many(self) -> bytes:
        """See `CommandConnection`."""
        return bytes(replies.TOO_MANY_CONNECTIONS)

    def handle_idle(self) -> bytes:
        """See `CommandConnection`."""
        return bytes(replies.IDLE_TOO_LONG)

    def handle_shutdown(self) -> bytes:
        """See `CommandConnection`."""
        return bytes(replies.SHUTTING_DOWN)

    def handle_end(self) -> None:
        """See `CommandConnection`. A message that is not whole is dropped."""
        self.continuation = None
        if self.session is not None:
            self.session.end()
