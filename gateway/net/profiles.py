"""What a handshake offers: to clients of today, and to old ones where they are named."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from cryptography import x509
from OpenSSL import SSL, crypto

from gateway.net.pem import load_chain, read_pem

Profile = Literal["modern", "legacy"]

_MODERN = b"ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!eNULL"
"""For TLS 1.2 (RFC 9325 section 4.2); those of TLS 1.3 are all good."""

_LEGACY = b"ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:RSA+AESGCM:RSA+AES:!aNULL:!eNULL:@SECLEVEL=0"
"""Down to CBC and SHA-1; level 0 is what lets OpenSSL speak TLS 1.0 and 1.1 (RFC 8996)."""

_OPTIONS = SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_CIPHER_SERVER_PREFERENCE


def read_client_ca(file: Path) -> tuple[x509.Certificate, ...]:
    """Return the certificates of the authorities whose client certificates are taken.

    @raise ConfigError: the file cannot be read, or holds none.
    """
    return tuple(load_chain(file, read_pem(file)))


def make_context(profile: Profile, client_ca: tuple[x509.Certificate, ...] = ()) -> SSL.Context:
    """Return a context with everything set but the server's certificate.

    @param client_ca: where there are any, the client is asked for a certificate of theirs. It
        need not have one; one that does not verify ends the handshake.
    """
    context = SSL.Context(SSL.TLS_METHOD)
    modern = profile == "modern"
    context.set_min_proto_version(SSL.TLS1_2_VERSION if modern else SSL.TLS1_VERSION)
    context.set_options(_OPTIONS)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_cipher_list(_MODERN if modern else _LEGACY)
    # Sessions are not resumed across profiles: what was weak once would stay so.
    context.set_session_id(b"pop3gw " + profile.encode())
    if client_ca:
        _ask_for_certificate(context, client_ca)
    return context


def _ask_for_certificate(context: SSL.Context, client_ca: tuple[x509.Certificate, ...]) -> None:
    store = context.get_cert_store()
    for certificate in client_ca:
        issuer = crypto.X509.from_cryptography(certificate)
        if store is not None:
            store.add_cert(issuer)
        context.add_client_ca(issuer)
    context.set_verify(SSL.VERIFY_PEER)
