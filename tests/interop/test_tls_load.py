"""A certificate is replaced under load, and no handshake fails."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
from cryptography import x509

from gateway.net.local_ca import LocalCA
from tests.interop.gateway import Gateway

pytestmark = pytest.mark.slow

THREADS = 4
REPLACEMENTS = 6


class Load:
    """Clients that do one verified handshake after the other, on every kind of listener."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.context = ssl.create_default_context(cafile=str(gateway.ca))
        self.serials: set[int] = set()
        self.handshakes = 0
        self.errors: list[str] = []
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(THREADS)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(30)

    def _run(self) -> None:
        while not self._stopped.is_set():
            for handshake in (self._pop3s, self._stls):
                try:
                    self.serials.add(handshake())
                    self.handshakes += 1
                except Exception as error:
                    self.errors.append(repr(error))

    def _connect(self, kind: str) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.gateway.ports[kind]), timeout=30)

    def _serial(self, plain: socket.socket) -> int:
        with self.context.wrap_socket(plain, server_hostname="localhost") as line:
            der = line.getpeercert(binary_form=True)
        assert der
        return x509.load_der_x509_certificate(der).serial_number

    def _pop3s(self) -> int:
        with self._connect("pop3s") as plain:
            return self._serial(plain)

    def _stls(self) -> int:
        with self._connect("pop3") as plain:
            assert plain.recv(1024).startswith(b"+OK")
            plain.sendall(b"STLS\r\n")
            assert plain.recv(1024).startswith(b"+OK")
            return self._serial(plain)


def _replace(authority: LocalCA, folder: Path, names: tuple[str, ...]) -> None:
    """Replace key and chain, in two steps with a moment between them, as many programs do."""
    new = folder.with_name("new")
    new.mkdir()
    authority.ensure_certificate(new / "chain", new / "key", names)
    (folder / "privkey.pem").write_bytes((new / "key").read_bytes()[:50])
    time.sleep(0.6)
    (folder / "privkey.pem").write_bytes((new / "key").read_bytes())
    time.sleep(0.6)
    (folder / "fullchain.pem").write_bytes((new / "chain").read_bytes())
    for file in (new / "chain", new / "key"):
        file.unlink()
    new.rmdir()


def test_replacing_under_load(tmp_path: Path) -> None:
    names = ("localhost", "127.0.0.1")
    with Gateway(tmp_path) as gateway:
        authority = LocalCA.open(gateway.ca, gateway.data / "ca-key.pem")
        with Load(gateway) as load:
            for _ in range(REPLACEMENTS):
                time.sleep(1.5)
                _replace(authority, gateway.data / "tls", names)
            time.sleep(1.5)
        assert load.errors == []
        assert len(load.serials) == REPLACEMENTS + 1
        assert load.handshakes > 20 * REPLACEMENTS
        assert "certificate not taken, the old one stays" in gateway.log
