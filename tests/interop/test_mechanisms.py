"""Real programs log in with each mechanism that they know; a client of ours with the rest."""

from __future__ import annotations

import socket
import ssl
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from OpenSSL import SSL

from tests.accounts.scram_client import ScramClient
from tests.interop.gateway import Account, Gateway
from tests.interop.mail import SAMPLES, read_all, send
from tests.programs import require_program, run

SCRAM = ["scram-sha-1", "scram-sha-256"]


@pytest.mark.parametrize("method", [*SCRAM, "on"])
def test_mpop(gateway: Gateway, account: Account, tmp_path: Path, method: str) -> None:
    send(gateway, [account.address], SAMPLES["plain"])
    settings = tmp_path / "mpoprc"
    settings.write_text(
        f"account default\nhost localhost\nport {gateway.ports['pop3s']}\ntls on\n"
        f"tls_starttls off\ntls_trust_file {gateway.ca}\nauth {method}\n"
        f'user {account.address}\npassword "{account.password}"\nkeep off\n'
        f"delivery mbox {tmp_path}/mbox\nuidls_file {tmp_path}/uidls\n"
    )
    settings.chmod(0o600)
    said = run([require_program("mpop"), "-d", "-C", settings]).stdout
    if method in SCRAM:
        assert f"AUTH {method.upper()}".encode() in said
    assert read_all(gateway, account) == []


@pytest.mark.parametrize("method", [*SCRAM, "on"])
def test_msmtp(gateway: Gateway, account: Account, tmp_path: Path, method: str) -> None:
    settings = tmp_path / "msmtprc"
    settings.write_text(
        f"account default\nhost localhost\nport {gateway.ports['smtp']}\ntls on\n"
        f"tls_starttls on\ntls_trust_file {gateway.ca}\nauth {method}\nfrom a@example.org\n"
        f'user {account.address}\npassword "{account.password}"\n'
    )
    settings.chmod(0o600)
    said = run(
        [require_program("msmtp"), "-d", "-C", settings, account.address], input=SAMPLES["plain"]
    ).stdout
    if method in SCRAM:
        assert f"AUTH {method.upper()}".encode() in said
    assert len(read_all(gateway, account)) == 1


def test_mpop_with_a_wrong_password(gateway: Gateway, account: Account, tmp_path: Path) -> None:
    settings = tmp_path / "mpoprc"
    settings.write_text(
        f"account default\nhost localhost\nport {gateway.ports['pop3s']}\ntls on\n"
        f"tls_starttls off\ntls_trust_file {gateway.ca}\nauth scram-sha-256\n"
        f"user {account.address}\npassword wrong\ndelivery mbox {tmp_path}/mbox\n"
        f"uidls_file {tmp_path}/uidls\n"
    )
    settings.chmod(0o600)
    refused = 77
    run([require_program("mpop"), "-C", settings], status=refused)


class TLS13:
    """A POP3S connection by pyOpenSSL, which knows the exporter of TLS 1.3."""

    def __init__(self, gateway: Gateway) -> None:
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.load_verify_locations(str(gateway.ca))
        context.set_verify(SSL.VERIFY_PEER)
        plain = socket.create_connection(("127.0.0.1", gateway.ports["pop3s"]), 30)
        self.connection = SSL.Connection(context, plain)
        plain.setblocking(True)
        self.connection.set_tlsext_host_name(b"localhost")
        self.connection.set_connect_state()
        self.connection.do_handshake()
        self._buffer = b""
        self.line()

    def line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            self._buffer += self.connection.recv(4096)
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def say(self, line: bytes) -> bytes:
        self.connection.sendall(line + b"\r\n")
        return self.line()

    def binding(self, name: str) -> bytes:
        if name == "tls-exporter":
            return bytes(
                self.connection.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")
            )
        certificate: Any = self.connection.get_peer_certificate()
        return bytes(certificate.to_cryptography().fingerprint(hashes.SHA256()))


@pytest.mark.parametrize("binding", ["tls-exporter", "tls-server-end-point"])
@pytest.mark.parametrize("name", ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"])
def test_channel_binding(gateway: Gateway, account: Account, name: str, binding: str) -> None:
    tls = TLS13(gateway)
    assert tls.connection.get_protocol_version_name() == "TLSv1.3"
    header = f"p={binding},,".encode()
    client = ScramClient(name, account.address, account.password, header, tls.binding(binding))
    challenge = tls.say(f"AUTH {name} ".encode() + b64encode(client.first))
    last = tls.say(b64encode(client.final(b64decode(challenge.removeprefix(b"+ ")))))
    assert client.is_server(b64decode(last.removeprefix(b"+ ")))
    assert tls.say(b"").startswith(b"+OK")
    assert tls.say(b"QUIT").startswith(b"+OK")


def test_announced_with_and_without_tls(gateway: Gateway) -> None:
    with socket.create_connection(("127.0.0.1", gateway.ports["smtp"]), 30) as plain:
        file = plain.makefile("rwb")
        file.readline()
        file.write(b"EHLO x\r\n")
        file.flush()
        lines = []
        while not lines or lines[-1][3:4] == b"-":
            lines.append(file.readline())
    (auth,) = [line for line in lines if line[4:8] == b"AUTH"]
    assert auth[4:].split()[1:] == [b"PLAIN", b"LOGIN", b"SCRAM-SHA-256", b"SCRAM-SHA-1"]


def test_tls_1_2_has_no_channel_binding(gateway: Gateway) -> None:
    context = ssl.create_default_context(cafile=str(gateway.ca))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    plain = socket.create_connection(("127.0.0.1", gateway.ports["pop3s"]), 30)
    with context.wrap_socket(plain, server_hostname="localhost") as tls:
        file = tls.makefile("rwb")
        file.readline()
        file.write(b"CAPA\r\n")
        file.flush()
        lines = []
        while not lines or lines[-1] != b".\r\n":
            lines.append(file.readline())
    assert b"SASL PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-1\r\n" in lines
