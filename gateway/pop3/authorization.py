"""The AUTHORIZATION state (RFC 1939 section 4): who are you?"""

from __future__ import annotations

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
from gateway.pop3.login import Opened, open_maildrop, refusal_of
from gateway.pop3.prepared import NotAcceptable, prepare
from gateway.pop3.replies import AUTH, SYS_PERM, CommandRefused, err, ok
from gateway.pop3.state import State
from gateway.wire.sasl import Cancelled


class Authorization(State):
    """Before the login."""

    verbs: ClassVar[tuple[verbs.Verb, ...]] = verbs.AUTHORIZATION

    _name: bytes | None = None

    @property
    def belongs_elsewhere(self) -> bytes:
        """See `State`."""
        return self.texts.not_before_login

    def user(self, name: bytes) -> bytes:
        """USER: the first half of a login. Says nothing about whether there is such a user."""
        self._require_safe_line()
        self._name = self._prepared(name)
        return ok(self.texts.user_accepted)

    def password(self, password: bytes) -> Deferred[bytes]:
        """PASS: the second half."""
        self._require_safe_line()
        if self._name is None:
            raise CommandRefused(self.texts.user_first)
        name, self._name = self._name, None
        prepared = self._prepared(password)
        return self._log_in(UsernamePassword(name, prepared), "PASS")

    def apop(self, name: bytes, digest: bytes) -> Deferred[bytes]:
        """APOP: a login whose password does not travel."""
        timestamp = self.connection.timestamp
        if timestamp is None:
            raise CommandRefused(self.texts.no_apop)
        prepared = self._prepared(name)
        return self._log_in(APOPCredentials(prepared, timestamp, digest), "APOP")

    def auth(self, name: bytes | None, initial: bytes | None) -> Result:
        """AUTH (RFC 5034): list the mechanisms, or begin an exchange."""
        if name is None:
            return self.say_lines(
                self.texts.mechanisms_follow, [m.encode() for m in self.connection.mechanisms]
            )
        mechanism = MECHANISMS.get(name.decode("ascii", "replace"))
        channel = self.connection.sasl_channel
        if mechanism is None or not mechanism.usable_on(channel):
            raise CommandRefused(self.texts.unknown_mechanism)
        if mechanism.plaintext:
            self._require_safe_line()
        exchange = AuthExchange(mechanism.make(channel))
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
        return self._log_in(outcome, exchange.mechanism.name, exchange.refusal())

    def stls(self) -> None:
        """STLS (RFC 2595): everything the client said so far is forgotten."""
        connection = self.connection
        if connection.secure:
            raise CommandRefused(self.texts.already_tls)
        if connection.factory.tls is None:
            raise CommandRefused(self.texts.no_tls)
        if connection.utf8:
            raise CommandRefused(self.texts.utf8_before_tls)
        self._name = None
        reply = ok(self.texts.begin_tls)
        connection.forget_choices()
        connection.start_tls(reply)

    def utf8(self) -> bytes:
        """UTF8 (RFC 6856): messages go out as they are stored."""
        self.connection.utf8 = True
        return ok(self.texts.utf8_accepted)

    def quit(self) -> None:
        """QUIT: nothing was opened, nothing is to be updated."""
        self.connection.end("quit", ok(self.texts.goodbye))

    def _require_safe_line(self) -> None:
        if not self.connection.plaintext_allowed:
            raise CommandRefused(self.texts.plaintext_refused, SYS_PERM)

    def _prepared(self, octets: bytes) -> bytes:
        try:
            return prepare(octets)
        except NotAcceptable:
            raise CommandRefused(self.texts.not_utf8, AUTH) from None

    def _log_in(
        self, credentials: Any, mechanism: str, refusal: bytes | None = None
    ) -> Deferred[bytes]:
        opening = open_maildrop(self.connection, credentials, mechanism)
        return opening.addCallbacks(
            self._opened, self._refused, (credentials, mechanism), {}, (refusal,)
        )

    def _refused(self, failure: Failure, challenge: bytes | None) -> bytes:
        reply = refusal_of(self.connection, failure)
        if challenge is None or not failure.check(UnauthorizedLogin):
            return reply

        def answered(_line: bytes) -> bytes:
            self.connection.continuation = None
            return reply

        self.connection.continuation = answered
        return b"+ " + challenge + b"\r\n"

    def _opened(self, opened: Opened, credentials: Any, mechanism: str) -> bytes:
        self.connection.enter_transaction(opened, credentials, mechanism)
        snapshot = opened.maildrop.snapshot
        return ok(self.texts.maildrop % (len(snapshot), snapshot.octets))
