"""One login, for every protocol: who may come in, what is told, and when it is answered."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any

from twisted.cred.error import LoginFailed as CredLoginFailed
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import Portal
from twisted.internet.defer import CancelledError, Deferred, inlineCallbacks, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from gateway.accounts.errors import AccountError
from gateway.accounts.hashing import HashingOverloaded
from gateway.accounts.interfaces import DirectoryUnavailable, IMailUser
from gateway.accounts.throttle import Attempt, Throttle
from gateway.client import Client
from gateway.events import EventStream, InternalError, LoginFailed, LoginSucceeded, Trouble
from gateway.store.interfaces import IMaildrop, MaildropInUse, StoreError

_NAME_LIMIT = 80
_MOST_REVOKED = 10_000
_UNAVAILABLE = (DirectoryUnavailable, HashingOverloaded, StoreError, AccountError)

Login = tuple[Any, Any, Callable[[], None]]
"""Interface, avatar and logout, as a portal gives them."""


class TemporaryAuthenticationFailure(Exception):
    """Nobody can say now whether the credentials are right. The text says why, for the log."""


class ClientGone(Exception):
    """The client disconnected before its login was finished; it is logged out again."""


class Authenticator:
    """Logs clients in.

    @param portal: asked for everything.
    @param events: told of each login, good or bad, but never of a secret.
    @param reactor: the clock.
    @param failure_seconds: a login with wrong credentials is answered no earlier than this after
        it began, whatever its check cost, so that the time says nothing about the reason.
    @param throttle: makes guessers wait, and refuses them; None lets everybody guess.
    """

    def __init__(
        self,
        portal: Portal,
        events: EventStream,
        *,
        reactor: IReactorTime,
        failure_seconds: float = 2.0,
        throttle: Throttle | None = None,
    ) -> None:
        self._portal = portal
        self._events = events
        self._reactor = reactor
        self._failure_seconds = failure_seconds
        self._throttle = throttle
        self._revoked: OrderedDict[str, int] = OrderedDict()
        self._revocations = 0

    def revoke(self, user: str) -> None:
        """Let no login of a user in that is under way: what it was checked against is no longer so.

        @param user: the address, in lower case.
        """
        self._revocations += 1
        self._revoked[user] = self._revocations
        self._revoked.move_to_end(user)
        if len(self._revoked) > _MOST_REVOKED:
            self._revoked.popitem(last=False)

    @inlineCallbacks
    def login(
        self, credentials: Any, mechanism: str, client: Client, *interfaces: Any
    ) -> Generator[Deferred[Any], Any, Login]:
        """Log a client in; `client.user` is then the user's address.

        @param credentials: of any kind that the portal takes.
        @param mechanism: what the client used, for the log: "PASS", "APOP", "PLAIN", ...
        @param client: the mind the realm is given.
        @param interfaces: what the avatar may be, the best first.
        @return: fails with `UnauthorizedLogin` (nobody, disabled or wrong password: no telling
            which), `MaildropInUse`, `TemporaryAuthenticationFailure`, or `ClientGone`.
        """
        name = printable_name(getattr(credentials, "username", b""))
        with suppress(AttributeError):  # credentials of other programs may have no room for it
            credentials.client = client
        attempt = self._judge(credentials, client)
        revocations = self._revocations
        try:
            if attempt is not None and (attempt.delay or attempt.refused):
                yield self._hold_back(attempt, name, mechanism, client)
            login = yield self._prove(credentials, name, mechanism, client, interfaces, attempt)
        finally:
            if attempt is not None:
                attempt.end()
        return self._welcome(login, name, mechanism, client, revocations)

    def _prove(
        self,
        credentials: Any,
        name: str,
        mechanism: str,
        client: Client,
        interfaces: tuple[Any, ...],
        attempt: Attempt | None,
    ) -> Deferred[Login]:
        began = self._reactor.seconds()
        proving = maybeDeferred(self._portal.login, credentials, client, *interfaces)
        about = (began, name, mechanism, client, attempt)
        return proving.addCallbacks(_let_in, self._refused, (attempt,), {}, about)

    @inlineCallbacks
    def _refused(
        self,
        failure: Failure,
        began: float,
        name: str,
        mechanism: str,
        client: Client,
        attempt: Attempt | None,
    ) -> Generator[Deferred[Any], Any, Login]:
        try:
            failure.raiseException()
        except CancelledError:
            raise
        except CredLoginFailed:
            if attempt is not None:
                attempt.failed()
            self._events.emit(LoginFailed(client, name, mechanism, "wrong user name or password"))
            yield self._wait_until(began + self._failure_seconds)
            raise UnauthorizedLogin from None
        except MaildropInUse:
            self._events.emit(LoginFailed(client, name, mechanism, "the maildrop is in use"))
            raise
        except _UNAVAILABLE as error:
            self._events.emit(LoginFailed(client, name, mechanism, f"cannot say now: {error}"))
            raise TemporaryAuthenticationFailure(str(error)) from error
        except Exception as error:
            self._events.emit(InternalError("login", failure, client))
            self._events.emit(LoginFailed(client, name, mechanism, "cannot say now: a defect"))
            raise TemporaryAuthenticationFailure("a defect; see the log") from error

    def _judge(self, credentials: Any, client: Client) -> Attempt | None:
        if self._throttle is None:
            return None
        try:
            return self._throttle.judge(credentials, client)
        except AccountError as error:
            # Better to let people in than to lock all of them out for a file that can be spared.
            self._events.emit(Trouble("logins", str(error)))
            return None

    @inlineCallbacks
    def _hold_back(
        self, attempt: Attempt, name: str, mechanism: str, client: Client
    ) -> Generator[Deferred[Any], Any, None]:
        """Let an attempt wait, and perhaps refuse it without a look at the password: not sooner
        than a wrong one would be."""
        if attempt.delay:
            yield self._wait_until(self._reactor.seconds() + attempt.delay)
            if not client.connected:
                raise ClientGone("the client disconnected while it was kept waiting")
        if attempt.refused:
            self._events.emit(LoginFailed(client, name, mechanism, "too many wrong passwords"))
            yield self._wait_until(self._reactor.seconds() + self._failure_seconds)
            raise TemporaryAuthenticationFailure("too many wrong passwords")

    def _welcome(
        self, login: Login, name: str, mechanism: str, client: Client, revocations: int
    ) -> Login:
        interface, avatar, logout = login
        user = _address_of(interface, avatar) or name
        if not client.connected:
            logout()
            raise ClientGone("the client disconnected during its login")
        if self._revoked.get(user.lower(), 0) > revocations:
            logout()
            self._events.emit(LoginFailed(client, name, mechanism, "the account was changed"))
            raise TemporaryAuthenticationFailure("the account was changed during the login")
        client.user = user
        self._events.emit(LoginSucceeded(client, user, mechanism))
        return login

    def _wait_until(self, moment: float) -> Deferred[None]:
        # Even where nothing is left to wait for: the answer then comes in the same way.
        return deferLater(self._reactor, max(0.0, moment - self._reactor.seconds()))


def _let_in(login: Login, attempt: Attempt | None) -> Login:
    if attempt is not None:
        attempt.succeeded()
    return login


def printable_name(name: bytes | str) -> str:
    """Return a user name as a line of the log may hold it: shortened, printable, one word."""
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
    if text.isprintable() and " " not in text and len(text) <= _NAME_LIMIT:
        return text  # a blank is the only printable character that is space
    shown = "".join(
        character if character.isprintable() and not character.isspace() else "?"
        for character in text[:_NAME_LIMIT]
    )
    return shown if len(text) <= _NAME_LIMIT else f"{shown}..."


def _address_of(interface: Any, avatar: Any) -> str | None:
    """Return the address of an avatar of ours; None for those of other applications."""
    if interface is IMaildrop:
        return str(avatar.mailbox)
    if interface is IMailUser:
        return str(avatar.address)
    return None
