"""What a mechanism may ask about the connection it runs on."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from twisted.cred.portal import Portal

_EXPORTER = "tls-exporter"
_END_POINT = "tls-server-end-point"


class Channel:
    """One connection, as it is now.

    @param host: the name of this machine, for challenges.
    @param portal: who will be asked.
    @param transport: the connection's transport; None (and any without TLS) has no bindings and
        no certificates.
    """

    def __init__(self, host: str, portal: Portal, transport: Any = None) -> None:
        self.host = host
        self.portal = portal
        self._transport = transport

    def checker_for(self, interface: Any) -> Any:
        """Return the checker of a kind of credentials, None where there is none."""
        return self.portal.checkers.get(interface)

    @property
    def binds(self) -> bool:
        """Whether the connection has what a channel binding is made of: TLS 1.3."""
        handle = self._handle
        return handle is not None and handle.get_protocol_version_name() == "TLSv1.3"

    def binding(self, name: str) -> bytes | None:
        """Return the data of a channel binding, None for one that is not to be had here.

        @param name: "tls-exporter" (RFC 9266) or "tls-server-end-point" (RFC 5929 section 4).
        """
        if not self.binds:
            return None
        if name == _EXPORTER:
            octets: bytes = self._handle.export_keying_material(
                b"EXPORTER-Channel-Binding", 32, b""
            )
            return octets
        return self._end_point() if name == _END_POINT else None

    @property
    def addresses(self) -> tuple[str, ...]:
        """The rfc822Names of the certificate that the client showed, if it showed one.

        The TLS side asks for it, and checks it, only where `[tls] client_ca` is set.
        """
        certificate = self._transport.getPeerCertificate() if self._handle is not None else None
        if certificate is None:
            return ()
        extensions = certificate.to_cryptography().extensions
        try:
            names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            return ()
        return tuple(names.get_values_for_type(x509.RFC822Name))

    @property
    def _handle(self) -> Any:
        transport = self._transport
        if not hasattr(transport, "getPeerCertificate"):
            return None
        return transport.getHandle()

    def _end_point(self) -> bytes | None:
        served = self._handle.get_certificate()
        if served is None:
            return None
        certificate = served.to_cryptography()
        algorithm = certificate.signature_hash_algorithm
        if algorithm is None:
            return None  # Ed25519 and its like: RFC 5929 does not say which hash
        if algorithm.name in ("md5", "sha1"):
            algorithm = hashes.SHA256()
        fingerprint: bytes = certificate.fingerprint(algorithm)
        return fingerprint
