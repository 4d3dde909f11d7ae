"""What a connection tells a mechanism, on real TLS between two ends in memory."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL, crypto
from twisted.cred.portal import Portal
from twisted.internet.testing import StringTransport

from gateway.accounts.sasl.channel import Channel

NOBODY: Any = Portal(None)  # type: ignore[arg-type]


def make_pair(algorithm: Any, *names: x509.GeneralName) -> tuple[Any, Any]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return key, builder.sign(key, algorithm)


class Transport:
    """What Twisted's TLS transport has of it."""

    def __init__(self, connection: SSL.Connection) -> None:
        self._connection = connection

    def getHandle(self) -> SSL.Connection:
        return self._connection

    def getPeerCertificate(self) -> crypto.X509 | None:
        return self._connection.get_peer_certificate()


def handshake(
    version: int = SSL.TLS1_3_VERSION,
    algorithm: Any = None,
    client_names: tuple[x509.GeneralName, ...] | None = None,
) -> tuple[Channel, SSL.Connection]:
    """Return the server's channel, and the client's end."""
    server_context, client_context = (SSL.Context(SSL.TLS_METHOD) for _ in range(2))
    client_context.set_max_proto_version(version)
    key, certificate = make_pair(algorithm or hashes.SHA384())
    server_context.use_privatekey(key)
    server_context.use_certificate(certificate)
    if client_names is not None:
        server_context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        key, certificate = make_pair(hashes.SHA256(), *client_names)
        client_context.use_privatekey(key)
        client_context.use_certificate(certificate)
    server, client = SSL.Connection(server_context), SSL.Connection(client_context)
    server.set_accept_state()
    client.set_connect_state()
    for _ in range(4):
        for one, other in ((client, server), (server, client)):
            try:
                one.do_handshake()
            except SSL.WantReadError:
                pass
            try:
                other.bio_write(one.bio_read(65_536))
            except SSL.WantReadError:
                pass
    return Channel("mail.example.org", NOBODY, Transport(server)), client


def test_both_ends_have_the_same_exporter() -> None:
    channel, client = handshake()
    assert channel.binds
    ours = channel.binding("tls-exporter")
    assert ours == client.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")
    assert len(ours) == 32
    other, _ = handshake()
    assert other.binding("tls-exporter") != ours


@pytest.mark.parametrize(
    ("algorithm", "name"),
    [(hashes.SHA256(), "sha256"), (hashes.SHA384(), "sha384"), (hashes.SHA512(), "sha512")],
    ids=["sha256", "sha384", "sha512"],
)
def test_end_point_is_the_digest_of_our_certificate(algorithm: Any, name: str) -> None:
    channel, client = handshake(algorithm=algorithm)
    certificate = client.get_peer_certificate()
    assert certificate is not None
    seen = certificate.to_cryptography()
    assert seen.signature_hash_algorithm is not None
    assert seen.signature_hash_algorithm.name == name
    assert channel.binding("tls-end-point") is None
    assert channel.binding("tls-server-end-point") == seen.fingerprint(algorithm)


def test_no_binding_before_tls_1_3() -> None:
    channel, _ = handshake(SSL.TLS1_2_VERSION)
    assert not channel.binds
    assert channel.binding("tls-exporter") is None


@pytest.mark.parametrize("transport", [None, StringTransport()])
def test_no_tls(transport: Any) -> None:
    channel = Channel("mail.example.org", NOBODY, transport)
    assert not channel.binds
    assert channel.binding("tls-server-end-point") is None
    assert channel.addresses == ()


@pytest.mark.parametrize(
    ("names", "addresses"),
    [
        (None, ()),
        ((), ()),
        ((x509.DNSName("example.org"),), ()),
        ((x509.RFC822Name("anna@example.org"),), ("anna@example.org",)),
        (
            (x509.DNSName("x"), x509.RFC822Name("a@x"), x509.RFC822Name("b@x")),
            ("a@x", "b@x"),
        ),
    ],
)
def test_addresses_in_the_certificate_of_the_client(
    names: tuple[x509.GeneralName, ...] | None, addresses: tuple[str, ...]
) -> None:
    channel, _ = handshake(client_names=names)
    assert channel.addresses == addresses
