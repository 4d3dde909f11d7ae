"""The gateway gets its certificate from a real ACME server."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509

from tests.interop.gateway import Gateway
from tests.interop.pebble import Pebble, free_ports, pebble

NAMES = ("mail.example.org", "pop.example.org")


def _configuration(server: Pebble, *, ca: bool = True, port: int | None = None) -> str:
    names = ", ".join(f'"{name}"' for name in NAMES)
    trust = f'acme_ca = "{server.ca}"\n' if ca else ""
    return (
        f'[tls]\nacme_directory = "{server.directory}"\n{trust}acme_names = [{names}]\n'
        f'acme_email = "postmaster@example.org"\n'
        f'acme_listen = ["tcp:{port or server.challenge_port}:interface=127.0.0.1"]\n'
    )


def _served_names(gateway: Gateway, name: str | None) -> set[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    address = ("127.0.0.1", gateway.ports["pop3s"])
    with (
        socket.create_connection(address, timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=name) as line,
    ):
        certificate = x509.load_der_x509_certificate(line.getpeercert(binary_form=True) or b"")
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(names.get_values_for_type(x509.DNSName))


def _wait_until(condition: Callable[[], bool], gateway: Gateway, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, gateway.log[-3000:]
        time.sleep(0.1)


def test_a_certificate_is_got_served_and_kept(tmp_path: Path) -> None:
    with (
        pebble(tmp_path) as server,
        Gateway(tmp_path, configuration=_configuration(server)) as gateway,
    ):
        folder = gateway.data / "tls" / NAMES[0]
        _wait_until(folder.exists, gateway)
        time.sleep(1.1)  # files are looked at once a second
        for name in (*NAMES, None):
            assert _served_names(gateway, name) == set(NAMES)
        assert (folder / "privkey.pem").stat().st_mode & 0o777 == 0o600
        assert (gateway.data / "acme-account-key.pem").stat().st_mode & 0o777 == 0o600
        gateway.stop()
        gateway.start()
        assert _served_names(gateway, None) == set(NAMES)


@pytest.mark.slow
def test_for_other_names_the_same_account_gets_another(tmp_path: Path) -> None:
    with (
        pebble(tmp_path) as server,
        Gateway(tmp_path, configuration=_configuration(server)) as gateway,
    ):
        folder = gateway.data / "tls" / NAMES[0]
        _wait_until(folder.exists, gateway)
        kept = (folder / "fullchain.pem").read_bytes()
        key = (folder / "privkey.pem").read_bytes()
        gateway.stop()
        (gateway.folder / "pop3gw.toml").write_text(
            _configuration(server).replace(f', "{NAMES[1]}"', "")
        )
        gateway.start()
        _wait_until(lambda: (folder / "fullchain.pem").read_bytes() != kept, gateway)
        time.sleep(1.1)
        assert _served_names(gateway, None) == {NAMES[0]}
        assert (folder / "privkey.pem").read_bytes() == key


def test_a_server_that_is_not_verified_is_told_nothing(tmp_path: Path) -> None:
    with (
        pebble(tmp_path) as server,
        Gateway(tmp_path, configuration=_configuration(server, ca=False)) as gateway,
    ):
        _wait_until(lambda: "trouble with the certificate for" in gateway.log, gateway)
        assert "is not who it should be" in gateway.log
        assert "certificate verify failed" in gateway.log
        assert "name its authorities in [tls] acme_ca" in gateway.log
        assert "tried again in 5 minutes" in gateway.log
        assert not (gateway.data / "tls" / NAMES[0]).exists()
        gateway.stop()
        gateway.start()  # what was begun does not keep it from starting


@pytest.mark.slow
def test_a_name_that_cannot_be_proven_is_told_with_the_reason(tmp_path: Path) -> None:
    with pebble(tmp_path) as server:
        configuration = _configuration(server, port=free_ports(1)[0])
        with Gateway(tmp_path, configuration=configuration) as gateway:
            _wait_until(lambda: "could not verify that we have the names" in gateway.log, gateway)
            assert "mail.example.org: " in gateway.log
            assert "connection refused" in gateway.log
            assert "let port 80 of each name lead to [tls] acme_listen" in gateway.log
