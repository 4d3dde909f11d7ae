"""A real ACME server on this machine: pebble, and the name server that it asks."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.net.local_ca import LocalCA
from tests.programs import require_program


@dataclass(frozen=True)
class Pebble:
    """Where it is, and how to trust it."""

    directory: str
    ca: Path
    challenge_port: int
    """Where it asks for HTTP-01 challenges, in place of 80."""


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody has."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


@contextmanager
def pebble(folder: Path) -> Iterator[Pebble]:
    """Run it while the block runs. All names lead to 127.0.0.1."""
    programs = [require_program("pebble"), require_program("pebble-challtestsrv")]
    acme, management, dns, dns_management, challenge = free_ports(5)
    authority = LocalCA.open(folder / "acme-ca.pem", folder / "acme-ca-key.pem")
    authority.ensure_certificate(folder / "acme.pem", folder / "acme-key.pem", ("localhost",))
    configuration = {
        "listenAddress": f"127.0.0.1:{acme}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(folder / "acme.pem"),
        "privateKey": str(folder / "acme-key.pem"),
        "httpPort": challenge,
        "tlsPort": challenge,
        "ocspResponderURL": "",
        "externalAccountBindingRequired": False,
    }
    file = folder / "pebble.json"
    file.write_text(json.dumps({"pebble": configuration}))
    names = [programs[1], "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-http01", ""]
    names += ["-https01", "", "-tlsalpn01", "", "-dns01", f"127.0.0.1:{dns}"]
    names += ["-management", f"127.0.0.1:{dns_management}"]
    server = [programs[0], "-config", str(file), "-dnsserver", f"127.0.0.1:{dns}"]
    quick = {**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
    with (folder / "pebble.log").open("wb") as log:
        running = [
            subprocess.Popen(command, stdout=log, stderr=log, env=quick, cwd=folder)
            for command in (names, server)
        ]
        try:
            _wait_for(acme)
            yield Pebble(f"https://localhost:{acme}/dir", folder / "acme-ca.pem", challenge)
        finally:
            for process in running:
                process.kill()
                process.wait(timeout=10)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 15
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "pebble does not listen"
            time.sleep(0.05)
