"""TLS as a server: which certificate a handshake serves, and to whom old versions are offered."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator, IProtocolFactory
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface import implementer

from gateway.events import EventStream
from gateway.net.certificates import CertificateStore
from gateway.net.networks import Networks
from gateway.net.pairs import Source
from gateway.net.profiles import Profile, make_context, read_client_ca
from gateway.net.tls_protocol import TLSFactory


@implementer(IOpenSSLServerConnectionCreator)
class ServerTLS:
    """Makes the server's side of TLS connections. Give it to `transport.startTLS` or `wrap`.

    @param source: a folder or files with certificates and keys.
    @param events: hears of certificates that were taken or not.
    @param default_name: whose certificate clients get that name no server; None: the first one.
    @param client_ca: a PEM file of authorities: clients are asked for a certificate of theirs,
        which `transport.getPeerCertificate()` then gives, verified; None where they have none.
    @param legacy_networks: clients from there may use TLS 1.0 and 1.1 and old ciphers.
    @param clock: gives seconds that only grow.
    @raise ConfigError: see `CertificateStore`; `client_ca` is no PEM file.
    """

    def __init__(
        self,
        source: Source,
        events: EventStream,
        *,
        default_name: str | None = None,
        client_ca: Path | None = None,
        legacy_networks: Networks | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._legacy_networks = legacy_networks or Networks()
        self._legacy_listeners: list[Callable[[Any], bool]] = []
        authorities = () if client_ca is None else read_client_ca(client_ca)
        self._authorities = authorities
        self.certificates = CertificateStore(
            source, self._make_context, events, default_name=default_name, clock=clock
        )

    def serve_legacy(self, accepted: Callable[[Any], bool]) -> None:
        """Offer old versions and ciphers on a listener.

        @param accepted: says of a transport whether it came by that listener.
        """
        self._legacy_listeners.append(accepted)

    def serverConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """Return a connection for one handshake; the name asked for decides on the certificate."""
        return SSL.Connection(self.certificates.default(self._profile_for(tlsProtocol)), None)

    def wrap(self, factory: IProtocolFactory) -> TLSMemoryBIOFactory:
        """Return a factory whose connections begin with a handshake (RFC 8314 section 3)."""
        return TLSFactory(self, False, factory)

    def _profile_for(self, protocol: Any) -> Profile:
        if not (self._legacy_networks or self._legacy_listeners):
            return "modern"
        transport = getattr(protocol, "transport", None)
        if transport is None:  # after STARTTLS only the session has it
            transport = protocol.wrappedProtocol.transport
        peer = getattr(transport.getPeer(), "host", "")
        legacy = self._legacy_networks.hold(peer) or any(
            accepted(transport) for accepted in self._legacy_listeners
        )
        return "legacy" if legacy else "modern"

    def _make_context(self, profile: Profile) -> SSL.Context:
        context = make_context(profile, self._authorities)
        context.set_tlsext_servername_callback(partial(self._choose, profile))
        return context

    def _choose(self, profile: Profile, connection: SSL.Connection) -> None:
        name = connection.get_servername()
        if name:
            context = self.certificates.select(name.decode("ascii", "replace"), profile)
            if context is not connection.get_context():
                connection.set_context(context)
