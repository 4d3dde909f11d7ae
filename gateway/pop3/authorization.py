"""The AUTHORIZATION state (RFC 1939 section 4): who are you?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.accounts.credentials import APOPCredentials
from gateway.accounts.interfaces import InvalidResponse
from gateway.accounts.sasl.exchange import AuthExchange
from gateway.accounts.sasl.mechanisms import MECHANISMS
from gateway.net.connection import Result
from gateway.pop3 import verbs
from gateway.pop3.avatars import MAILDROP_INTERFACES, maildrop_of
from gateway.pop3.replies import (
    AUTH,
    IN_USE,
    SYS_PERM,
    SYS_TEMP,
    CommandRefused,
    err,
    multiline,
    ok,
)
from gateway.pop3.state import State
from gateway.store.interfaces import IMaildrop, MaildropInUse
from gateway.wire.sasl import Cancelled


class Authorization(State):
    """Before the login."""

    verbs: ClassVar[tuple[verbs.Verb, ...]] = verbs.AUTHORIZATION

    _name: bytes | None = None

    def user(self, name: bytes) -> bytes:
        """USER: the first half of a login. Says nothing about whether there is such a user."""
        self._require_safe_line()
        self._name = name
        return ok(self.texts.user_accepted)

    def password(self, password: bytes) -> Deferred[bytes]:
        """PASS: the second half."""
        self._require_safe_line()
        if self._name is None:
            raise CommandRefused(self.texts.user_first)
        name, self._name = self._name, None
        return self._log_in(UsernamePassword(name, password), "PASS")

    def apop(self, name: bytes, digest: bytes) -> Deferred[bytes]:
        """APOP: a login whose password does not travel."""
        timestamp = self.connection.timestamp
        if timestamp is None:
            raise CommandRefused(self.texts.no_apop)
        return self._log_in(APOPCredentials(name, timestamp, digest), "APOP")

    def auth(self, name: bytes | None, initial: bytes | None) -> Result:
        """AUTH (RFC 5034): list the mechanisms, or begin an exchange."""
        if name is None:
            return multiline(
                self.texts.mechanisms_follow, [m.encode() for m in self.connection.mechanisms]
            )
        mechanism = MECHANISMS.get(name.decode("ascii", "replace"))
        if mechanism is None or not mechanism.usable_with(self.connection.factory.portal):
            raise CommandRefused(self.texts.unknown_mechanism)
        if mechanism.plaintext:
            self._require_safe_line()
        exchange = AuthExchange(mechanism.make(self.connection.factory.hostname))
        return self._advance(exchange, lambda: exchange.start(initial))

    def _advance(self, exchange: AuthExchange, step: Any) -> Result:
        self.connection.continuation = None
        try:
            outcome = step()
        except Cancelled:
            return err(self.texts.exchange_cancelled)
        except InvalidResponse as problem:
            return err(self.texts.bad_response % str(problem).encode(), AUTH)
        if isinstance(outcome, bytes):
            self.connection.continuation = lambda line: self._advance(
                exchange, lambda: exchange.line(line)
            )
            return b"+ " + outcome + b"\r\n"
        return self._log_in(outcome, exchange.mechanism.name)

    def stls(self) -> None:
        """STLS (RFC 2595): everything the client said so far is forgotten."""
        connection = self.connection
        if connection.secure:
            raise CommandRefused(self.texts.already_tls)
        if connection.factory.tls is None:
            raise CommandRefused(self.texts.no_tls)
        self._name = None
        connection.start_tls(ok(self.texts.begin_tls))

    def quit(self) -> None:
        """QUIT: nothing was opened, nothing is to be updated."""
        self.connection.end("quit", ok(self.texts.goodbye))

    def _require_safe_line(self) -> None:
        if not self.connection.plaintext_allowed:
            raise CommandRefused(self.texts.plaintext_refused, SYS_PERM)

    # The login itself ------------------------------------------------------------------------

    def _log_in(self, credentials: Any, mechanism: str) -> Deferred[bytes]:
        login = self.connection.factory.authenticator.login(
            credentials, mechanism, self.connection.client, *MAILDROP_INTERFACES
        )
        return login.addCallback(self._open).addErrback(self._login_failed)

    def _open(self, login: tuple[Any, Any, Any]) -> Deferred[bytes]:
        interface, avatar, logout = login
        trust_sizes = self.connection.factory.policy.trust_sizes
        opening = maildrop_of(interface, avatar, trust_sizes, self.connection.factory.reactor)
        return opening.addCallbacks(self._opened, self._opening_failed, (logout,), {}, (logout,))

    def _opened(self, maildrop: IMaildrop, logout: Any) -> bytes:
        if not self.connection.client.connected or self.connection.ending:
            maildrop.release()
            logout()
            return b""
        self.connection.enter_transaction(maildrop, logout)
        snapshot = maildrop.snapshot
        return ok(self.texts.maildrop % (len(snapshot), snapshot.octets))

    def _opening_failed(self, failure: Failure, logout: Any) -> Failure:
        logout()
        return failure

    def _login_failed(self, failure: Failure) -> bytes:
        refused = failure.check(UnauthorizedLogin, MaildropInUse)
        if refused is MaildropInUse:
            return err(self._in_use(failure.value), IN_USE)
        if refused is UnauthorizedLogin:
            self.connection.count_error()
            return err(self.texts.wrong_password, AUTH)
        return err(self.texts.try_login_later, SYS_TEMP)

    def _in_use(self, problem: Any) -> bytes:
        if not problem.host:
            return self.texts.in_use
        since = datetime.fromtimestamp(problem.since, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        return self.texts.in_use_since % (since.encode(), problem.host.encode())
