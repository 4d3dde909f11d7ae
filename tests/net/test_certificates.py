"""Certificates in files: found, matched, chosen by name, renewed at handshakes."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from OpenSSL import SSL

from gateway.config_errors import ConfigError
from gateway.events import CertificateLoaded, CertificateRejected, Event, EventStream, Trouble
from gateway.files import acting_as
from gateway.net.certificates import CertificateStore, Pair, find_pairs
from gateway.net.local_ca import LocalCA
from gateway.net.tls import ServerTLS

NOW = datetime.now(UTC)


@pytest.fixture
def authority(tmp_path: Path) -> LocalCA:
    return LocalCA.open(tmp_path / "ca.pem", tmp_path / "ca-key.pem")


def make_pair(authority: LocalCA, chain: Path, key: Path, *names: str) -> None:
    chain.parent.mkdir(parents=True, exist_ok=True)
    key.parent.mkdir(parents=True, exist_ok=True)
    chain.unlink(missing_ok=True)
    key.unlink(missing_ok=True)
    authority.ensure_certificate(chain, key, names)


class Served:
    """A certificate store with a clock in hand and its events kept."""

    def __init__(self, source: Path | tuple[Path, ...]) -> None:
        self.events: list[Event] = []
        self.seconds = 0.0
        self.tls = ServerTLS(source, EventStream(self.events.append))
        self.store = CertificateStore(
            source,
            self.tls._make_context,
            EventStream(self.events.append),
            lambda: self.seconds,
        )
        self.tls.certificates = self.store

    def names(self, server_name: str | None = None) -> tuple[str, ...]:
        """Complete a handshake in memory; return the names of the certificate it served."""
        self.seconds += 2
        server = self.tls.serverConnectionForTLS(None)
        server.set_accept_state()
        client = SSL.Connection(SSL.Context(SSL.TLS_METHOD), None)
        client.set_connect_state()
        if server_name is not None:
            client.set_tlsext_host_name(server_name.encode())
        handshake(client, server)
        certificate = client.get_peer_certificate(as_cryptography=True)
        assert certificate is not None
        value = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return tuple(value.get_values_for_type(x509.DNSName))


def handshake(client: SSL.Connection, server: SSL.Connection) -> None:
    for _ in range(10):
        done = 0
        for here, there in ((client, server), (server, client)):
            try:
                here.do_handshake()
                done += 1
            except SSL.WantReadError:
                pass
            try:
                there.bio_write(here.bio_read(65536))
            except SSL.WantReadError:
                pass
        if done == 2:
            return
    raise AssertionError("the handshake does not end")


def test_the_layouts_of_certbot_acme_sh_lego_and_caddy_are_found(
    authority: LocalCA, tmp_path: Path
) -> None:
    folder = tmp_path / "tls"
    make_pair(authority, folder / "fullchain.pem", folder / "privkey.pem", "own.example")
    layouts = {
        "certbot.example": ("certbot.example/fullchain.pem", "certbot.example/privkey.pem"),
        "acme.example": ("acme.example_ecc/fullchain.cer", "acme.example_ecc/acme.example.key"),
        "lego.example": ("lego.example.crt", "lego.example.key"),
        "caddy.example": (
            "ca/caddy.example/caddy.example.crt",
            "ca/caddy.example/caddy.example.key",
        ),
    }
    for name, (chain, key) in layouts.items():
        make_pair(authority, folder / chain, folder / key, name)
    (folder / "lego.example.issuer.crt").write_text("")
    pairs = find_pairs(folder)
    assert pairs[0] == Pair(folder / "fullchain.pem", folder / "privkey.pem")
    assert set(pairs[1:]) == {Pair(folder / c, folder / k) for c, k in layouts.values()}
    served = Served(folder)
    for name in layouts:
        assert served.names(name) == (name,)


def test_files_of_a_list_are_matched_by_their_keys(authority: LocalCA, tmp_path: Path) -> None:
    make_pair(authority, tmp_path / "a1", tmp_path / "a2", "a.example")
    make_pair(authority, tmp_path / "b1", tmp_path / "b2", "b.example")
    both = tmp_path / "c"
    make_pair(authority, tmp_path / "c1", tmp_path / "c2", "c.example")
    both.write_bytes((tmp_path / "c2").read_bytes() + (tmp_path / "c1").read_bytes())
    files = tuple(tmp_path / name for name in ("b2", "a1", "c", "a2", "b1"))
    served = Served(files)
    assert served.names() == ("a.example",)
    assert served.names("b.example") == ("b.example",)
    assert served.names("c.example") == ("c.example",)


def test_a_wildcard_serves_one_label(authority: LocalCA, tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    make_pair(authority, folder / "fullchain.pem", folder / "privkey.pem", "own.example")
    make_pair(authority, folder / "w/fullchain.pem", folder / "w/privkey.pem", "*.example.org")
    served = Served(folder)
    assert served.names("Mail.Example.ORG") == ("*.example.org",)
    assert served.names("a.mail.example.org") == ("own.example",)
    assert served.names("example.org") == ("own.example",)
    assert served.names() == ("own.example",)


def test_a_renewed_pair_is_served_to_the_next_handshake(authority: LocalCA, tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    chain, key = folder / "fullchain.pem", folder / "privkey.pem"
    make_pair(authority, chain, key, "old.example")
    served = Served(folder)
    assert served.names() == ("old.example",)
    make_pair(authority, chain, key, "new.example")
    assert served.names() == ("new.example",)
    assert served.events == [CertificateLoaded(str(chain), ("new.example",))]


def test_a_pair_that_appears_later_is_served(authority: LocalCA, tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    make_pair(authority, folder / "fullchain.pem", folder / "privkey.pem", "own.example")
    served = Served(folder)
    make_pair(authority, folder / "b/fullchain.pem", folder / "b/privkey.pem", "b.example")
    assert served.names("b.example") == ("b.example",)
    shutil.rmtree(folder / "b")
    assert served.names("b.example") == ("own.example",)


def test_files_are_looked_at_once_a_second(authority: LocalCA, tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    chain, key = folder / "fullchain.pem", folder / "privkey.pem"
    make_pair(authority, chain, key, "old.example")
    served = Served(folder)
    context = served.store.default()
    make_pair(authority, chain, key, "new.example")
    served.seconds += 0.9
    assert served.store.default() is context
    served.seconds += 0.2
    assert served.store.default() is not context


@pytest.mark.parametrize("spoil", ["half", "other key", "no key", "no certificate", "gone"])
def test_a_pair_in_disorder_keeps_the_old_one_and_says_so_once(
    authority: LocalCA, tmp_path: Path, spoil: str
) -> None:
    folder = tmp_path / "tls"
    chain, key = folder / "fullchain.pem", folder / "privkey.pem"
    make_pair(authority, chain, key, "old.example")
    make_pair(authority, tmp_path / "c", tmp_path / "k", "new.example")
    served = Served(folder)
    old_chain, old_key = chain.read_bytes(), key.read_bytes()
    match spoil:
        case "half":
            chain.write_bytes(chain.read_bytes()[:200])
        case "other key":
            key.write_bytes((tmp_path / "k").read_bytes())
        case "no key":
            key.write_bytes(b"")
        case "no certificate":
            chain.write_bytes(old_key)
        case "gone":
            shutil.rmtree(folder)
    assert served.names() == ("old.example",)
    assert served.names() == ("old.example",)
    (event,) = served.events
    assert isinstance(event, CertificateRejected)
    assert str(folder) in event.reason
    folder.mkdir(exist_ok=True)
    key.write_bytes((tmp_path / "k").read_bytes())
    chain.write_bytes((tmp_path / "c").read_bytes())
    assert served.names() == ("new.example",)
    assert old_chain != chain.read_bytes()


def test_a_pair_put_back_as_it_was_is_not_reported_again(
    authority: LocalCA, tmp_path: Path
) -> None:
    folder = tmp_path / "tls"
    chain, key = folder / "fullchain.pem", folder / "privkey.pem"
    make_pair(authority, chain, key, "old.example")
    served = Served(folder)
    content = key.read_bytes()
    key.write_bytes(b"")
    served.names()
    key.write_bytes(content)
    assert served.names() == ("old.example",)
    assert [type(event) for event in served.events] == [CertificateRejected, CertificateLoaded]


@pytest.mark.parametrize(
    ("missing", "expected"),
    [("privkey.pem", "privkey.pem: there is no such file"), ("fullchain.pem", "fullchain.pem: ")],
)
def test_half_a_pair_at_the_start_is_refused(
    authority: LocalCA, tmp_path: Path, missing: str, expected: str
) -> None:
    folder = tmp_path / "tls"
    make_pair(authority, folder / "fullchain.pem", folder / "privkey.pem", "a.example")
    (folder / missing).unlink()
    with pytest.raises(ConfigError, match=expected):
        Served(folder)


def test_a_key_that_does_not_match_is_refused(authority: LocalCA, tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    make_pair(authority, folder / "fullchain.pem", folder / "privkey.pem", "a.example")
    make_pair(authority, tmp_path / "c", tmp_path / "k", "b.example")
    shutil.copy(tmp_path / "k", folder / "privkey.pem")
    with pytest.raises(ConfigError, match=r"fullchain\.pem: the key .*privkey\.pem does not match"):
        Served(folder)


def test_an_encrypted_key_is_refused_with_the_remedy(authority: LocalCA, tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    make_pair(authority, folder / "fullchain.pem", folder / "privkey.pem", "a.example")
    key = load_pem_private_key((folder / "privkey.pem").read_bytes(), None)
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    )
    with pytest.raises(ConfigError, match=r"privkey\.pem: the private key is encrypted; .*openssl"):
        Served(folder)


def test_sources_without_certificates_are_refused(authority: LocalCA, tmp_path: Path) -> None:
    make_pair(authority, tmp_path / "c", tmp_path / "k", "b.example")
    empty = tmp_path / "empty"
    empty.mkdir()
    for source, expected in [
        (empty, "holds no certificate"),
        (tmp_path / "nowhere", "there is no such folder"),
        (tmp_path / "c", "is not a folder; write a single file as a list"),
        ((tmp_path / "c",), "any key in the list does not match it"),
        ((tmp_path / "k",), "any certificate in the list does not match it"),
        ((tmp_path / "nowhere",), "there is no such file"),
        ((), "names no certificate"),
    ]:
        with pytest.raises(ConfigError, match=expected):
            find_pairs(source)


def test_an_ended_certificate_is_served_and_complained_about(
    authority: LocalCA, tmp_path: Path
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = authority.issue(key.public_key(), ("old.example",), datetime(2020, 1, 1, tzinfo=UTC))
    folder = tmp_path / "tls"
    make_pair(authority, folder / "fullchain.pem", folder / "privkey.pem", "a.example")
    (folder / "fullchain.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    served = Served(folder)
    served.store.tell()
    loaded, trouble = served.events
    assert isinstance(loaded, CertificateLoaded)
    assert isinstance(trouble, Trouble)
    assert "the certificate ended on 2022-" in trouble.what


def test_old_versions_of_tls_are_refused(authority: LocalCA, tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    make_pair(authority, folder / "fullchain.pem", folder / "privkey.pem", "a.example")
    server = Served(folder).tls.serverConnectionForTLS(None)
    server.set_accept_state()
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_max_proto_version(SSL.TLS1_1_VERSION)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")
    client = SSL.Connection(context, None)
    client.set_connect_state()
    with pytest.raises(SSL.Error):
        handshake(client, server)


def test_a_session_is_resumed(authority: LocalCA, tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    make_pair(authority, folder / "fullchain.pem", folder / "privkey.pem", "a.example")
    make_pair(authority, folder / "b/fullchain.pem", folder / "b/privkey.pem", "b.example")
    tls = Served(folder).tls
    context = SSL.Context(SSL.TLS_METHOD)
    session = None
    connections = []  # OpenSSL forgets the session of a connection that goes without a shutdown
    for expected in (False, True):
        server = tls.serverConnectionForTLS(None)
        server.set_accept_state()
        client = SSL.Connection(context, None)
        connections += [client, server]
        client.set_tlsext_host_name(b"b.example")
        if session is not None:
            client.set_session(session)
        client.set_connect_state()
        handshake(client, server)
        server.send(b"x")
        client.bio_write(server.bio_read(65536))
        assert client.recv(1) == b"x"
        assert SSL._lib.SSL_session_reused(client._ssl) == expected
        session = client.get_session()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops privileges")
def test_files_that_cannot_be_read_after_the_drop_are_named(
    authority: LocalCA, open_folder: Path
) -> None:
    folder = open_folder / "tls"
    make_pair(authority, folder / "fullchain.pem", folder / "privkey.pem", "a.example")
    folder.chmod(0o755)
    served = Served(folder)
    with acting_as((65534, 65534)):
        served.store.tell()
    trouble = [event for event in served.events if isinstance(event, Trouble)]
    assert [event.where for event in trouble] == [str(folder / "privkey.pem")]
