"""Serves SMTP or LMTP, and hands what it receives to an `IDelivery`."""

from __future__ import annotations

from socket import gethostname
from typing import Any, ClassVar

from twisted.cred.portal import Portal
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator, IReactorTime

from gateway.accounts.login import Authenticator
from gateway.client import Client
from gateway.delivery.interfaces import IDelivery
from gateway.events import EventStream
from gateway.net.factory import ConnectionFactory
from gateway.net.limits import ConnectionLimits
from gateway.net.networks import Networks
from gateway.smtp import verbs
from gateway.smtp.policy import SMTPPolicy
from gateway.smtp.protocol import SMTPConnection


class SMTPFactory(ConnectionFactory):
    """Builds an SMTP session for each connection.

    @param delivery: a `gateway.delivery.interfaces.IDelivery`.
    @param portal: asked by AUTH for an avatar that provides
        `gateway.accounts.interfaces.IMailUser`; None: AUTH is not offered.
    @param policy: what is allowed; the defaults suit most.
    @param tls: served by STARTTLS, see `gateway.net.tls`; None: STARTTLS is not offered.
    @param authenticator: logs in; made from `portal` by default.
    """

    protocol = SMTPConnection
    lmtp: ClassVar[bool] = False
    rows: ClassVar[dict[str, verbs.Verb]] = {verb.keyword: verb for verb in verbs.COMMANDS_OF_SMTP}

    def __init__(
        self,
        delivery: Any,
        portal: Portal | None = None,
        *,
        policy: SMTPPolicy | None = None,
        events: EventStream | None = None,
        tls: IOpenSSLServerConnectionCreator | None = None,
        limits: ConnectionLimits | None = None,
        reactor: IReactorTime | None = None,
        authenticator: Authenticator | None = None,
    ) -> None:
        protocol_name = "lmtp" if self.lmtp else "smtp"
        super().__init__(protocol_name, events=events, tls=tls, limits=limits, reactor=reactor)
        self.delivery: Any = IDelivery(delivery)
        self.portal = portal
        self.policy: SMTPPolicy = policy if policy is not None else SMTPPolicy()
        self.hostname = self.policy.hostname or gethostname()
        self.authenticator: Authenticator | None = authenticator
        if authenticator is None and portal is not None:
            self.authenticator = Authenticator(
                portal,
                self.events,
                reactor=self.reactor,
                failure_seconds=self.policy.failure_seconds,
            )
        self._lenient = Networks(self.policy.lenient_networks)

    def is_lenient_to(self, client: Client) -> bool:
        """Say whether bare newlines of this client are normalised."""
        if client.user is not None or self.policy.bare_newlines == "normalise":
            return True
        return self._lenient.hold(client.host)


class LMTPFactory(SMTPFactory):
    """The same for LMTP (RFC 2033): LHLO, and one reply for each recipient after the message."""

    lmtp = True
    rows: ClassVar[dict[str, verbs.Verb]] = {verb.keyword: verb for verb in verbs.COMMANDS_OF_LMTP}
