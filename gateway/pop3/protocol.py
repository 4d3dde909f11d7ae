"""One POP3 session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gateway.accounts.sasl.channel import Channel
from gateway.accounts.sasl.mechanisms import offered
from gateway.net.connection import CommandConnection, Result
from gateway.net.plaintext import password_allowed
from gateway.pop3.authorization import Authorization
from gateway.pop3.languages import LANGUAGES
from gateway.pop3.login import Opened
from gateway.pop3.replies import SYS_TEMP, CommandRefused, err, ok
from gateway.pop3.sleep import Proof, Sleep
from gateway.pop3.state import State
from gateway.pop3.texts import Texts
from gateway.pop3.transaction import Transaction
from gateway.pop3.verbs import AUTH_OCTETS
from gateway.store.interfaces import MaildropPolicy

if TYPE_CHECKING:
    from gateway.pop3.factory import POP3Factory


class POP3Connection(CommandConnection):
    """Hands each line to the state that the session is in (RFC 1939 section 3)."""

    factory: POP3Factory
    line_limit = AUTH_OCTETS

    texts: Texts
    """In the language that the client chose."""
    utf8 = False
    """Whether the client sent UTF8 (RFC 6856)."""
    timestamp: bytes | None = None
    """The one in the greeting, that APOP answers; None where APOP is not announced."""
    continuation: Callable[[bytes], Result] | None = None
    """Takes the next line instead of the state: an exchange is under way."""

    _errors = 0

    def handle_start(self) -> bytes:
        """Greet the client."""
        self.forget_choices()
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
    def sasl_channel(self) -> Channel:
        """What a SASL mechanism may ask about this connection."""
        return Channel(self.factory.hostname, self.factory.portal, self.transport)

    @property
    def mechanisms(self) -> Sequence[str]:
        """The SASL mechanisms to announce now."""
        return offered(
            self.sasl_channel,
            secure_line=self.plaintext_allowed,
            announce=self.factory.policy.announce,
        )

    @property
    def logged_in(self) -> bool:
        """Whether the session is in the TRANSACTION state."""
        return isinstance(self._state, Transaction)

    @property
    def announced_policy(self) -> tuple[MaildropPolicy, bool]:
        """What CAPA tells of policies, and whether a login may bring other values to light."""
        if isinstance(self._state, Transaction):
            return self._state.policy, False
        strictest = self.factory.strictest_policy()
        if strictest is None:
            return self.factory.policy.maildrop, False
        return strictest, True

    def forget_choices(self) -> None:
        """Begin as if the client had said nothing yet."""
        self.texts = LANGUAGES[self.factory.policy.language]
        self.utf8 = False

    def enter_transaction(self, opened: Opened, credentials: Any, mechanism: str) -> None:
        """The client has proved who it is, and holds its maildrop."""
        asleep = "SLEEPING" in self.factory.policy.extensions
        proof = Proof(credentials, mechanism) if asleep else None
        self._state.leave()
        self._state = Transaction(self, opened, proof)

    def fall_asleep(self, proof: Proof) -> None:
        """Give the maildrop back, but stay (SLEE)."""
        self._state.leave()
        self._state = Sleep(self, proof)

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
        self.forget_choices()
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
