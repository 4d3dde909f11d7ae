"""TLS as a server: what a handshake offers, which certificate it serves."""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator, IProtocolFactory
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface import implementer

from gateway.events import EventStream
from gateway.net.certificates import CertificateStore, Source

_CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!eNULL"
"""For TLS 1.2 (RFC 9325 section 4.2); those of TLS 1.3 are all good."""


@implementer(IOpenSSLServerConnectionCreator)
class ServerTLS:
    """Makes the server's side of TLS connections. Give it to `transport.startTLS` or `wrap`.

    @param source: a folder or files with certificates and keys.
    @param events: hears of certificates that were taken or not.
    @raise ConfigError: see `CertificateStore`.
    """

    def __init__(self, source: Source, events: EventStream) -> None:
        self.certificates = CertificateStore(source, self._make_context, events)

    def serverConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:  # noqa: ARG002
        """Return a connection for one handshake; the name asked for decides on the certificate."""
        return SSL.Connection(self.certificates.default(), None)

    def wrap(self, factory: IProtocolFactory) -> TLSMemoryBIOFactory:
        """Return a factory whose connections begin with a handshake (RFC 8314 section 3)."""
        return TLSMemoryBIOFactory(self, False, factory)

    def _make_context(self) -> SSL.Context:
        context = SSL.Context(SSL.TLS_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_options(
            SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_CIPHER_SERVER_PREFERENCE
        )
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)
        context.set_cipher_list(_CIPHERS)
        context.set_session_id(b"pop3gw")
        context.set_tlsext_servername_callback(self._choose)
        return context

    def _choose(self, connection: SSL.Connection) -> None:
        name = connection.get_servername()
        if name:
            context = self.certificates.select(name.decode("ascii", "replace"))
            if context is not connection.get_context():
                connection.set_context(context)
