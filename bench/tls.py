"""Handshakes a second and CPU of each, against a bare Twisted TLS server. Run: python bench/tls.py

Both servers run one after the other in a process of their own, with the same key and certificate;
the client, which costs as much as they do, runs in this one. CPU is that of the server's process.
"""

from __future__ import annotations

import argparse
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from gateway.net.local_ca import LocalCA

PEERS = ("gateway", "twisted")
GREETING = b"+OK\r\n"


def serve(kind: str, folder: Path) -> None:
    """Serve a greeting over TLS until the process is ended; print the port."""
    from twisted.internet import reactor as installed
    from twisted.internet.protocol import Factory, Protocol
    from twisted.internet.ssl import DefaultOpenSSLContextFactory
    from twisted.protocols.tls import TLSMemoryBIOFactory

    from gateway.events import EventStream
    from gateway.net.tls import ServerTLS

    class Greeter(Protocol):
        def connectionMade(self) -> None:
            self.transport.write(GREETING)  # type: ignore[union-attr]

    reactor: object = installed
    factory = Factory.forProtocol(Greeter)
    if kind == "gateway":
        wrapped = ServerTLS(folder, EventStream()).wrap(factory)
    else:
        files = (str(folder / "privkey.pem"), str(folder / "fullchain.pem"))
        wrapped = TLSMemoryBIOFactory(DefaultOpenSSLContextFactory(*files), False, factory)
    port = reactor.listenTCP(0, wrapped, interface="127.0.0.1")  # type: ignore[attr-defined]
    print(port.getHost().port, flush=True)
    reactor.run()  # type: ignore[attr-defined]


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def handshake(
    context: ssl.SSLContext, port: int, session: ssl.SSLSession | None
) -> ssl.SSLSession | None:
    """Do one handshake; return its session. It must be resumed where one is given."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="localhost", session=session) as line,
    ):
        assert line.recv(len(GREETING)) == GREETING
        assert line.session_reused == (session is not None)
        return line.session


def measure(kind: str, folder: Path, count: int, *, resumed: bool, version: str) -> float:
    """Print one line; return the CPU of the server for one handshake, in milliseconds."""
    context = ssl.create_default_context(cafile=str(folder.parent / "ca.pem"))
    context.maximum_version = ssl.TLSVersion[version.replace(".", "_")]
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve", kind, str(folder)], stdout=subprocess.PIPE
    )
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        session = handshake(context, port, None)
        cpu, begun = cpu_seconds(server.pid), time.perf_counter()
        for _ in range(count):
            handshake(context, port, session if resumed else None)
        seconds = time.perf_counter() - begun
        each = (cpu_seconds(server.pid) - cpu) / count * 1000
    finally:
        server.terminate()
        server.wait(10)
    what = "resumed" if resumed else "full"
    print(f"{kind:<9}{version:<9}{what:<9}{count / seconds:8.0f}/s  {each:6.2f} ms CPU")
    return each


def main() -> None:
    """Measure both servers, full and resumed, with TLS 1.2 and 1.3."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", nargs=2, metavar=("KIND", "FOLDER"), help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, default=600, help="handshakes of each kind")
    options = parser.parse_args()
    if options.serve:
        serve(options.serve[0], Path(options.serve[1]))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "tls"
        folder.mkdir()
        authority = LocalCA.open(Path(name) / "ca.pem", Path(name) / "ca-key.pem")
        pair = (folder / "fullchain.pem", folder / "privkey.pem")
        authority.ensure_certificate(*pair, ("localhost",))
        for version in ("TLSv1.2", "TLSv1.3"):
            for resumed in (False, True):
                ours, bare = (
                    measure(kind, folder, options.count, resumed=resumed, version=version)
                    for kind in PEERS
                )
                print(f"{'':18}gateway : twisted = {ours / max(bare, 0.001):.2f}\n")


if __name__ == "__main__":
    main()
