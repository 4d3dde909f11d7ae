"""From credentials to an open maildrop: for a login, and for waking up."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.python.failure import Failure

from gateway.accounts.login import ClientGone, TemporaryAuthenticationFailure
from gateway.events import InternalError
from gateway.pop3.avatars import MAILDROP_INTERFACES, maildrop_of
from gateway.pop3.replies import AUTH, IN_USE, LOGIN_DELAY, SYS_TEMP, err
from gateway.pop3.surrogates import in_ascii
from gateway.store.interfaces import (
    IMaildropPolicy,
    MaildropInUse,
    MaildropPolicy,
)

if TYPE_CHECKING:
    from gateway.pop3.protocol import POP3Connection


class LoginTooEarly(Exception):
    """The user has to wait (LOGIN-DELAY)."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{seconds} seconds too early")
        self.seconds = seconds


class Opened(NamedTuple):
    """A maildrop that its user has got hold of."""

    maildrop: Any
    """An `IMaildrop`."""
    logout: Callable[[], object]
    policy: MaildropPolicy


@inlineCallbacks
def open_maildrop(
    connection: POP3Connection, credentials: Any, mechanism: str, *, delayed: bool = True
) -> Generator[Deferred[Any], Any, Opened]:
    """Log a client in and open the maildrop.

    @param mechanism: what the client used, for the log.
    @param delayed: whether LOGIN-DELAY is asked for.
    @return: fails as `Authenticator.login` does, with `LoginTooEarly`, or with what the maildrop
        fails with; then nothing is held.
    """
    login = yield connection.factory.authenticator.login(
        credentials, mechanism, connection.client, *MAILDROP_INTERFACES
    )
    interface, avatar, logout = login
    maildrop = None
    try:
        maildrop = yield maildrop_of(interface, avatar, connection)  # mostly there at once
        policy = _policy_of(avatar, connection.factory.policy.maildrop)
        if delayed:
            _respect_delay(connection, policy)
        if not connection.utf8:
            maildrop = yield in_ascii(maildrop, connection.factory.reactor)
        if not connection.client.connected or connection.ending:
            raise ClientGone("the client disconnected while its maildrop was opened")
    except BaseException:
        if maildrop is not None:
            maildrop.release()
        logout()
        raise
    connection.factory.login_times.logged_in(connection.client.user or "")
    return Opened(maildrop, logout, policy)


def _policy_of(avatar: Any, default: MaildropPolicy) -> MaildropPolicy:
    provider = IMaildropPolicy(avatar, None)
    return default if provider is None else provider.policy


def _respect_delay(connection: POP3Connection, policy: MaildropPolicy) -> None:
    if policy.login_delay_hard:
        seconds = connection.factory.login_times.seconds_to_wait(
            connection.client.user or "", policy.login_delay_seconds
        )
        if seconds > 0:
            raise LoginTooEarly(seconds)


def refusal_of(connection: POP3Connection, failure: Failure) -> bytes:
    """Return the reply to a login that failed."""
    texts = connection.texts
    error: Any = failure.value
    if failure.check(MaildropInUse):
        if not error.host:
            return err(texts.in_use, IN_USE)
        since = datetime.fromtimestamp(error.since, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        return err(texts.in_use_since % (since.encode(), error.host.encode()), IN_USE)
    if failure.check(LoginTooEarly):
        return err(texts.login_delay % (int(error.seconds) + 1), LOGIN_DELAY)
    if failure.check(UnauthorizedLogin):
        connection.count_error()
        return err(texts.wrong_password, AUTH)
    if not failure.check(ClientGone, TemporaryAuthenticationFailure):
        connection.factory.events.emit(
            InternalError("opening a maildrop", failure, connection.client)
        )
    return err(texts.try_login_later, SYS_TEMP)
