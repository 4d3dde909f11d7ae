"""Servers that are no ACME server are told as such, whatever they answer."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.acme.issuing import Server, obtain
from gateway.acme.responder import Challenges
from gateway.config_errors import ConfigError
from gateway.net.local_ca import LocalCA


@contextmanager
def web_server(folder: Path, name: str, status: int, body: bytes) -> Iterator[Server]:
    """A web server over TLS, for `name`, that answers everything with the same."""
    authority = LocalCA.open(folder / "ca.pem", folder / "ca-key.pem")
    authority.ensure_certificate(folder / "chain.pem", folder / "key.pem", (name,))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        directory = f"https://127.0.0.1:{server.server_port}/dir"
        yield Server(directory, ca=str(folder / "ca.pem"))
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def _refusal(server: Server) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(ConfigError) as caught:
        obtain(server, key, b"", ("a.example",), Challenges())
    return str(caught.value)


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b"{}"), (200, b"<html>"), (200, b"\xff"), (500, b"<html>"), (404, b"")],
)
def test_answers_of_another_kind_of_server(tmp_path: Path, status: int, body: bytes) -> None:
    with web_server(tmp_path, "127.0.0.1", status, body) as server:
        told = _refusal(server)
    assert told.startswith(f"the ACME server {server.directory} cannot be used: ")


def test_a_problem_without_a_reason(tmp_path: Path) -> None:
    with web_server(tmp_path, "127.0.0.1", 500, b"{}") as server:
        assert _refusal(server) == "the ACME server refuses: no reason given"


def test_a_certificate_for_another_name_is_not_taken(tmp_path: Path) -> None:
    with web_server(tmp_path, "other.example", 200, b"{}") as server:
        told = _refusal(server)
    assert "is not who it should be" in told
    assert "name its authorities in [tls] acme_ca" in told
