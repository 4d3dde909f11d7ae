"""AUTH (RFC 4954): who is the client?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.accounts.interfaces import IMailUser, InvalidResponse
from gateway.accounts.sasl.channel import Channel
from gateway.accounts.sasl.exchange import AuthExchange
from gateway.accounts.sasl.mechanisms import MECHANISMS, offered
from gateway.net.plaintext import password_allowed
from gateway.wire import smtp_replies as replies
from gateway.wire.replies import SMTPReply
from gateway.wire.sasl import Cancelled

if TYPE_CHECKING:
    from gateway.smtp.protocol import SMTPConnection

NEEDS_STARTTLS = replies.TLS_REQUIRED_FOR_AUTH.with_text(
    "Passwords are not accepted on an unencrypted connection: "
    "set the connection security of your mail program to STARTTLS"
)
NEEDS_ADMINISTRATOR = replies.TLS_REQUIRED_FOR_AUTH.with_text(
    "Passwords are not accepted on an unencrypted connection, and this server offers no TLS: "
    "its administrator has to set it up"
)


class Authentication:
    """The logging in and out of one session."""

    def __init__(self, connection: SMTPConnection) -> None:
        self._connection = connection
        self._factory = connection.factory
        self._logout: Callable[[], object] | None = None

    @property
    def done(self) -> bool:
        """Whether the client has logged in."""
        return self._logout is not None

    @property
    def mechanisms(self) -> list[str]:
        """What EHLO announces now: nothing where no login is possible."""
        if self._factory.portal is None or self.done:
            return []
        return list(
            offered(
                self._channel(self._factory.portal),
                secure_line=self._plaintext_allowed,
                announce=self._factory.policy.announce,
            )
        )

    def _channel(self, portal: Portal) -> Channel:
        return Channel(self._factory.hostname, portal, self._connection.transport)

    @property
    def _plaintext_allowed(self) -> bool:
        return password_allowed(self._connection, self._factory.policy.plaintext)

    def begin(self, argument: str) -> SMTPReply | Deferred[SMTPReply]:
        """Begin an exchange: `argument` is the mechanism and perhaps an initial response."""
        if self._factory.portal is None:
            return replies.AUTH_NOT_AVAILABLE
        if self.done:
            return replies.AUTH_ALREADY_DONE
        name, _, initial = argument.partition(" ")
        mechanism = MECHANISMS.get(name.upper())
        channel = self._channel(self._factory.portal)
        if mechanism is None or not mechanism.usable_on(channel):
            return replies.AUTH_UNKNOWN_MECHANISM
        if mechanism.plaintext and not self._plaintext_allowed:
            return NEEDS_ADMINISTRATOR if self._factory.tls is None else NEEDS_STARTTLS
        exchange = AuthExchange(mechanism.make(channel))
        return self._advance(exchange, lambda: exchange.start(initial.encode() or None))

    def _advance(
        self, exchange: AuthExchange, step: Callable[[], Any]
    ) -> SMTPReply | Deferred[SMTPReply]:
        self._connection.continuation = None
        try:
            outcome = step()
        except Cancelled:
            return replies.AUTH_CANCELLED
        except InvalidResponse as problem:
            text = str(problem)
            return replies.AUTH_BAD_BASE64.with_text(text[:1].upper() + text[1:])
        if isinstance(outcome, bytes):
            self._connection.continuation = lambda line: self._advance(
                exchange, lambda: exchange.line(line)
            )
            return SMTPReply(334, "", outcome.decode("ascii"))
        return self._log_in(outcome, exchange.mechanism.name, exchange.refusal())

    # The login itself --------------------------------------------------------------------------

    def _log_in(
        self, credentials: Any, mechanism: str, refusal: bytes | None
    ) -> Deferred[SMTPReply]:
        assert self._factory.authenticator is not None
        login: Deferred[Any] = self._factory.authenticator.login(
            credentials, mechanism, self._connection.client, IMailUser
        )
        return login.addCallbacks(self._succeeded, self._failed, errbackArgs=(refusal,))

    def _succeeded(self, login: tuple[Any, Any, Callable[[], object]]) -> SMTPReply:
        self._logout = login[2]
        self._connection.forgive_errors()
        return replies.AUTH_SUCCEEDED

    def _failed(self, failure: Failure, challenge: bytes | None) -> SMTPReply:
        if not failure.check(UnauthorizedLogin):
            return replies.AUTH_NOT_NOW
        if challenge is None:
            return replies.AUTH_FAILED

        def answered(_line: bytes) -> SMTPReply:
            self._connection.continuation = None
            return replies.AUTH_FAILED

        self._connection.continuation = answered
        return SMTPReply(334, "", challenge.decode("ascii"))

    def forget(self) -> None:
        """The client is nobody again, since what comes next is a new beginning (RFC 3207 4.2)."""
        self.end()
        self._connection.client.user = None

    def end(self) -> None:
        """Log out: the connection has ended."""
        logout, self._logout = self._logout, None
        if logout is not None:
            logout()
