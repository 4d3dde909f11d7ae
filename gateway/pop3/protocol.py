"""One POP3 session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gateway.accounts.sasl.mechanisms import offered
from gateway.net.connection import CommandConnection, Result
from gateway.net.plaintext import password_allowed
from gateway.pop3.authorization import Authorization
from gateway.pop3.replies import SYS_TEMP, CommandRefused, err, ok
from gateway.pop3.state import State
from gateway.pop3.texts import ENGLISH, Texts
from gateway.pop3.transaction import Transaction
from gateway.pop3.verbs import AUTH_OCTETS
from gateway.store.interfaces import IMaildrop

if TYPE_CHECKING:
    from gateway.pop3.factory import POP3Factory


class POP3Connection(CommandConnection):
    """Hands each line to the state that the session is in (RFC 1939 section 3)."""

    factory: POP3Factory
    line_limit = AUTH_OCTETS

    texts: Texts = ENGLISH
    timestamp: bytes | None = None
    """The one in the greeting, that APOP answers; None where APOP is not announced."""
    continuation: Callable[[bytes], Result] | None = None
    """Takes the next line instead of the state: an exchange is under way."""

    _errors = 0

    def handle_start(self) -> bytes:
        """Greet the client."""
        self._state: State = Authorization(self)
        self.timestamp = self.factory.new_timestamp()
        stamp = b" " + self.timestamp if self.timestamp else b""
        return ok(self.texts.greeting + stamp)

    def handle_line(self, line: bytes) -> Result:
        """Carry out a command, or go on with an exchange."""
        try:
            if self.continuation is not None:
                return self.continuation(line)
            result = self._state.handle(line)
        except CommandRefused as refused:
            return self._refuse(refused.reply)
        self._errors = 0
        return result

    def handle_overlong_line(self) -> Result:
        """Refuse a line that is longer than any command."""
        self.continuation = None
        return self._refuse(err(self.texts.line_too_long))

    def _refuse(self, reply: bytes) -> bytes | None:
        self.count_error()
        if self._errors < self.factory.policy.errors:
            return reply
        self.send(reply)
        self.end("too many errors", err(self.texts.too_many_errors))
        return None

    def count_error(self) -> None:
        """One more thing that went wrong on the client's side, in a row."""
        self._errors += 1

    # The state of the session ----------------------------------------------------------------

    @property
    def plaintext_allowed(self) -> bool:
        """Whether a password may come over this connection as it is."""
        return password_allowed(self, self.factory.policy.plaintext)

    @property
    def mechanisms(self) -> Sequence[str]:
        """The SASL mechanisms to announce now."""
        return offered(
            self.factory.portal,
            secure_line=self.plaintext_allowed,
            announce=self.factory.policy.announce,
        )

    @property
    def logged_in(self) -> bool:
        """Whether the session is in the TRANSACTION state."""
        return isinstance(self._state, Transaction)

    def enter_transaction(self, maildrop: IMaildrop, logout: Callable[[], object]) -> None:
        """The client has proved who it is, and holds its maildrop."""
        self._state.leave()
        self._state = Transaction(self, maildrop, logout)

    # What the frame asks ---------------------------------------------------------------------

    @property
    def idle_seconds(self) -> float:
        """See `CommandConnection`."""
        return self.factory.policy.idle_seconds

    def handle_failure(self) -> bytes:
        """See `CommandConnection`."""
        return err(self.texts.failure, SYS_TEMP)

    def handle_too_many(self) -> bytes:
        """See `CommandConnection`."""
        return err(self.texts.too_many_connections, SYS_TEMP)

    def handle_idle(self) -> bytes:
        """See `CommandConnection`. No UPDATE: what is marked stays (RFC 1939 section 3)."""
        return err(self.texts.idle)

    def handle_shutdown(self) -> bytes:
        """See `CommandConnection`."""
        return err(self.texts.shutting_down, SYS_TEMP)

    def handle_end(self) -> None:
        """See `CommandConnection`."""
        self.continuation = None
        if self._admitted:
            self._state.leave()
