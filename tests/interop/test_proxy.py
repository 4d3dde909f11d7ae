"""The PROXY protocol on every listener of the real gateway."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.gateway import Account, Gateway
from tests.interop.mail import trusting
from tests.wire.test_proxy_header import V4_BLOCK, v2

V1 = b"PROXY TCP4 192.0.2.7 198.51.100.5 4711 25\r\n"
V2 = v2(1, 0x11, V4_BLOCK)
LISTEN = '"tcp:0:interface=127.0.0.1"'
CONFIGURATION = f"""
[listen]
smtp = [{LISTEN}]
lmtp = [{LISTEN}]
pop3 = [{LISTEN}]
pop3s = [{LISTEN}]
[net]
proxies = ["127.0.0.1"]
[auth]
plaintext = "loopback"
"""


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("proxied")
    with Gateway(folder, options=[], configuration=CONFIGURATION, store="maildir") as running:
        running.admin("domain", "add", "example.org")
        yield running


@pytest.fixture(scope="module")
def user(proxied: Gateway) -> Account:
    (account,) = proxied.add_accounts(1, "example.org")
    return account


def connect(gateway: Gateway, kind: str, header: bytes) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", gateway.ports[kind]), 20)
    client.sendall(header)
    return client


class ProxiedSMTP(smtplib.SMTP):
    header = V1

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # type: ignore[override]
        connected: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        connected.sendall(self.header)
        return connected


def lines(client: socket.socket, sent: bytes) -> bytes:
    client.sendall(sent)
    return client.recv(10_000)


@pytest.mark.parametrize("header", [V1, V2], ids=["v1", "v2"])
def test_smtp_with_starttls_on_the_proxied_connection(
    proxied: Gateway, user: Account, header: bytes
) -> None:
    before = len(list(proxied.mailbox(user).glob("new/*")))
    client = ProxiedSMTP(timeout=20)
    client.header = header
    client._host = "localhost"  # type: ignore[attr-defined]  # checked in the certificate
    client.connect("127.0.0.1", proxied.ports["smtp"])
    client.starttls(context=trusting(proxied))
    client.ehlo()
    assert client.has_extn("requiretls")
    client.sendmail("a@client.example", [user.address], b"Subject: x\r\n\r\ntext\r\n")
    client.quit()
    new = sorted(proxied.mailbox(user).glob("new/*"), key=lambda file: file.stat().st_mtime_ns)
    assert len(new) == before + 1
    assert b"([192.0.2.7])\n\t(using TLSv1.3" in new[-1].read_bytes()


def test_lmtp(proxied: Gateway) -> None:
    with connect(proxied, "lmtp", V2) as client:
        assert client.recv(1000).startswith(b"220 ")


@pytest.mark.parametrize("header", [V1, V2], ids=["v1", "v2"])
def test_pop3s_has_the_header_before_the_handshake(
    proxied: Gateway, user: Account, header: bytes
) -> None:
    plain = connect(proxied, "pop3s", header)
    with trusting(proxied).wrap_socket(plain, server_hostname="localhost") as client:
        assert client.recv(1000).startswith(b"+OK")
        assert lines(client, b"USER " + user.address.encode() + b"\r\n").startswith(b"+OK")
        assert lines(client, b"PASS " + user.password.encode() + b"\r\n").startswith(b"+OK")
    assert "login pop3s peer=192.0.2.7 " in proxied.log


def test_before_tls_that_the_endpoint_brings_itself(proxied: Gateway, tmp_path: Path) -> None:
    tls = proxied.data / "tls"
    endpoint = f"ssl:0:privateKey={tls}/privkey.pem:certKey={tls}/fullchain.pem:interface=127.0.0.1"
    configuration = f"""
[listen]
pop3s = ["{endpoint}"]
[net]
proxies = ["127.0.0.1"]
"""
    with Gateway(tmp_path, options=[], configuration=configuration) as gateway:
        plain = connect(gateway, "pop3s", V1)
        with trusting(proxied).wrap_socket(plain, server_hostname="localhost") as client:
            assert client.recv(1000).startswith(b"+OK")


def test_loopback_is_the_client_not_the_proxy(proxied: Gateway, user: Account) -> None:
    with connect(proxied, "pop3", V1) as client:
        assert client.recv(1000).startswith(b"+OK")
        assert lines(client, b"USER " + user.address.encode() + b"\r\n").startswith(b"-ERR")
    with connect(proxied, "pop3", b"PROXY TCP4 127.0.0.1 127.0.0.1 1 110\r\n") as client:
        assert client.recv(1000).startswith(b"+OK")
        assert lines(client, b"USER " + user.address.encode() + b"\r\n").startswith(b"+OK")


@pytest.mark.parametrize("kind", ["smtp", "lmtp", "pop3", "pop3s"])
def test_without_a_header_it_is_closed(proxied: Gateway, kind: str) -> None:
    with connect(proxied, kind, b"NOOP\r\n") as client, pytest.raises(ConnectionResetError):
        client.recv(1000)


@pytest.mark.parametrize("kind", ["smtp", "lmtp", "pop3", "pop3s"])
def test_from_anyone_else_it_is_an_error(gateway: Gateway, kind: str) -> None:
    with connect(gateway, kind, V1 + b"NOOP\r\n") as client:
        received = b""
        try:
            while octets := client.recv(1000):
                received += octets
        except ConnectionResetError:
            pass
    assert b"250" not in received
    assert received.count(b"+OK") <= 1, "at most the greeting"
