"""Writing at once: over real sockets, nothing lost and nothing out of order."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from twisted.internet.testing import StringTransport

from gateway.direct_write import write

CHECKOUT = Path(__file__).parents[1]
SERVER = """
import sys
from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol
from gateway.direct_write import write

class Talker(Protocol):
    def dataReceived(self, data):
        before = len(reactor.getWriters())
        write(self.transport, b"small")
        waits = len(reactor.getWriters()) - before
        write(self.transport, b" " + str(waits).encode() + b" ")
        for number in range(40):
            write(self.transport, b"%02d" % number * 500_000)
        self.transport.loseConnection()

    def connectionLost(self, reason):
        reactor.stop()

port = reactor.listenTCP(0, Factory.forProtocol(Talker), interface="127.0.0.1")
print(port.getHost().port, flush=True)
reactor.run()
"""


def test_what_fits_goes_at_once_and_the_rest_in_order() -> None:
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )
    assert server.stdout is not None
    with server, socket.create_connection(("127.0.0.1", int(server.stdout.readline()))) as client:
        client.settimeout(30)
        client.sendall(b"go")
        heard = b""
        while block := client.recv(1_000_000):
            heard += block
        assert server.wait(timeout=30) == 0
    large = b"".join(b"%02d" % number * 500_000 for number in range(40))
    assert heard == b"small 0 " + large


def test_other_transports_are_written_to_as_ever() -> None:
    transport = StringTransport()
    write(transport, b"a")
    write(transport, b"b")
    assert transport.value() == b"ab"
