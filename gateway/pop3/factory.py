"""Serves POP3 from any `twisted.cred` portal."""

from __future__ import annotations

from collections.abc import Callable
from socket import gethostname

from twisted.cred.portal import Portal
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator, IReactorTime

from gateway.accounts.apop import make_timestamp
from gateway.accounts.login import Authenticator
from gateway.events import EventStream
from gateway.net.factory import ConnectionFactory
from gateway.net.limits import ConnectionLimits
from gateway.pop3.login_times import LoginTimes
from gateway.pop3.policy import POP3Policy
from gateway.pop3.protocol import POP3Connection
from gateway.store.interfaces import MaildropPolicy


class POP3Factory(ConnectionFactory):
    """Builds a POP3 session for each connection.

    @param portal: asked for an avatar that provides `gateway.store.interfaces.IMaildrop` or
        `twisted.mail.interfaces.IMailboxPOP3`. The mind is the `gateway.client.Client`.
    @param policy: what is allowed; the defaults suit most.
    @param tls: served by STLS, see `gateway.net.tls`; None: STLS is not offered.
    @param hostname: what the server calls itself in APOP's timestamp.
    @param authenticator: logs in; made from `portal` by default.
    @param login_times: when users logged in last; to be shared by all listeners of one portal.
    @param strictest_policy: where policies differ between users (`IMaildropPolicy`): gives the
        largest delay and the shortest time to expiry that any user has, which is what RFC 2449
        lets a server announce before the login. None, or one that gives None: they do not differ.
    """

    protocol = POP3Connection

    def __init__(
        self,
        portal: Portal,
        *,
        policy: POP3Policy | None = None,
        events: EventStream | None = None,
        tls: IOpenSSLServerConnectionCreator | None = None,
        limits: ConnectionLimits | None = None,
        reactor: IReactorTime | None = None,
        hostname: str | None = None,
        protocol_name: str = "pop3",
        authenticator: Authenticator | None = None,
        login_times: LoginTimes | None = None,
        strictest_policy: Callable[[], MaildropPolicy | None] | None = None,
    ) -> None:
        super().__init__(protocol_name, events=events, tls=tls, limits=limits, reactor=reactor)
        self.portal = portal
        self.policy = policy if policy is not None else POP3Policy()
        self.hostname = hostname if hostname is not None else gethostname()
        self.authenticator = authenticator or Authenticator(
            portal,
            self.events,
            reactor=self.reactor,
            failure_seconds=self.policy.failure_seconds,
        )

        self.login_times = login_times or LoginTimes(self.reactor)
        self.strictest_policy = strictest_policy or _no_differences

    def new_timestamp(self) -> bytes | None:
        """Return the timestamp for a greeting, None where APOP is not to be announced.

        Many clients use APOP as soon as they see one, and do not fall back.
        """
        if "APOP" not in self.policy.announce:
            return None
        return make_timestamp(self.hostname)


def _no_differences() -> None:
    """The policies of all users are the same."""
