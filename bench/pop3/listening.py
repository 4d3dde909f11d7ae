"""Listens for a Twisted program of the benchmark: plain, and over TLS."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

from twisted.internet import reactor, ssl


def serve(factory: Any, port: str, tls_port: str, certificate: str, key: str) -> None:
    """Serve until killed."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    pem = Path(key).read_bytes() + Path(certificate).read_bytes()
    options = ssl.PrivateCertificate.loadPEM(pem).options()
    factory.noisy = False
    loop: Any = reactor
    loop.listenTCP(int(port), factory, interface="127.0.0.1", backlog=1000)
    loop.listenSSL(int(tls_port), factory, options, interface="127.0.0.1", backlog=1000)
    loop.run()
