"""What each profile takes, who gets which, and what is asked of clients."""

from __future__ import annotations

from pathlib import Path

import pytest
from OpenSSL import SSL
from twisted.internet.address import IPv4Address
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import StringTransport

from gateway.config_errors import ConfigError
from gateway.events import EventStream
from gateway.net.local_ca import LocalCA
from gateway.net.networks import Networks
from gateway.net.profiles import read_client_ca
from gateway.net.tls import ServerTLS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "tls"
    folder.mkdir()
    authority = LocalCA.open(tmp_path / "ca.pem", tmp_path / "ca-key.pem")
    pair = (folder / "fullchain.pem", folder / "privkey.pem")
    authority.ensure_certificate(*pair, ("a.example",))
    return folder


def client_context(version: int = SSL.TLS1_2_VERSION) -> SSL.Context:
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(version)
    context.set_max_proto_version(version)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")
    return context


def client_connection(context: SSL.Context, session: SSL.Session | None = None) -> SSL.Connection:
    client = SSL.Connection(context, None)
    if session is not None:
        client.set_session(session)
    client.set_connect_state()
    return client


class Wire:
    """A server's side on a transport of its own, and a client that shakes hands with it."""

    def __init__(self, tls: ServerTLS, host: str, client: SSL.Connection) -> None:
        self.client = client
        self.transport = StringTransport(peerAddress=IPv4Address("TCP", host, 1))
        protocol = tls.wrap(Factory.forProtocol(Protocol)).buildProtocol(None)
        assert protocol is not None
        self.protocol = protocol
        protocol.makeConnection(self.transport)

    def shake(self) -> bool:
        """Say whether it comes to an end."""
        for _ in range(8):
            try:
                self.client.do_handshake()
                self._to_server()
                return True
            except SSL.WantReadError:
                self._to_server()
            except SSL.Error:
                return False
            octets = self.transport.value()
            self.transport.clear()
            if octets:
                self.client.bio_write(octets)
        return False

    def _to_server(self) -> None:
        try:
            self.protocol.dataReceived(self.client.bio_read(65536))
        except SSL.WantReadError:
            pass


def served(tls: ServerTLS, host: str, version: int) -> bool:
    return Wire(tls, host, client_connection(client_context(version))).shake()


def test_old_versions_are_for_the_networks_that_are_named(folder: Path) -> None:
    tls = ServerTLS(folder, EventStream(), legacy_networks=Networks(["192.0.2.0/24"]))
    for version in (SSL.TLS1_VERSION, SSL.TLS1_1_VERSION):
        assert served(tls, "192.0.2.9", version)
        assert not served(tls, "198.51.100.9", version)
    assert served(tls, "192.0.2.9", SSL.TLS1_2_VERSION)
    assert served(tls, "198.51.100.9", SSL.TLS1_2_VERSION)


def test_old_versions_are_for_the_listeners_that_are_named(folder: Path) -> None:
    tls = ServerTLS(folder, EventStream())
    tls.serve_legacy(lambda transport: transport.getPeer().host == "192.0.2.9")
    assert served(tls, "192.0.2.9", SSL.TLS1_VERSION)
    assert not served(tls, "192.0.2.8", SSL.TLS1_VERSION)


def test_nobody_is_legacy_by_default(folder: Path) -> None:
    tls = ServerTLS(folder, EventStream())
    assert not served(tls, "127.0.0.1", SSL.TLS1_1_VERSION)
    assert served(tls, "127.0.0.1", SSL.TLS1_2_VERSION)


@pytest.mark.parametrize(("host", "resumed"), [("192.0.2.9", True), ("198.51.100.9", False)])
def test_a_session_of_one_profile_is_not_resumed_in_the_other(
    folder: Path, host: str, resumed: bool
) -> None:
    tls = ServerTLS(folder, EventStream(), legacy_networks=Networks(["192.0.2.0/24"]))
    context = client_context()
    first = Wire(tls, "192.0.2.9", client_connection(context))
    assert first.shake()
    session = first.client.get_session()
    again = Wire(tls, host, client_connection(context, session))
    assert again.shake()
    assert bool(SSL._lib.SSL_session_reused(again.client._ssl)) is resumed


def test_a_client_ca_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    with pytest.raises(ConfigError, match=r"ca\.pem: there is no such file"):
        read_client_ca(file)
    file.write_text("nothing")
    with pytest.raises(ConfigError, match=r"ca\.pem: holds no certificate in PEM form"):
        read_client_ca(file)
