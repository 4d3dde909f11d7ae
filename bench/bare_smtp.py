"""The floor: Twisted's reactor, fsync of file and folder in its thread pool, no mail logic.

Run: python bench/bare_smtp.py FOLDER PORT. Understands only what `bench/smtp_load.py` says.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from twisted.internet import reactor, ssl
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread

from bench.smtp_storing import make_mailboxes, store


class Bare(Protocol):
    """Takes a message between DATA and the dot."""

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)
        self.blocks: list[bytes] | None = None
        self.last = b""
        self.mailboxes: list[str] = []
        self.transport.write(b"220 bare\r\n")

    def dataReceived(self, data: bytes) -> None:
        if self.blocks is not None:
            self.blocks.append(data)
            self.last = (self.last + data)[-5:]
            if self.last == b"\r\n.\r\n":
                self.end()
            return
        replies = []
        for line in data.splitlines():
            verb = line[:4].upper()
            if verb == b"RCPT":
                self.mailboxes.append(line.partition(b"<")[2].partition(b"@")[0].decode())
            elif verb == b"DATA":
                self.blocks, self.last = [], b""
            elif verb == b"STAR":
                self.transport.write(b"220 go\r\n")
                self.transport.startTLS(self.factory.tls)
                return
            replies.append(b"354 go\r\n" if verb == b"DATA" else b"250 ok\r\n")
        self.transport.write(b"".join(replies))

    def end(self) -> None:
        message, self.blocks = b"".join(self.blocks or ()), None
        mailboxes, self.mailboxes = self.mailboxes, []
        self.factory.number += 1
        stored = deferToThread(store, self.factory.root, mailboxes, self.factory.number, message)
        stored.addCallback(lambda _: self.transport.write(b"250 stored\r\n"))


def main(root: Path, port: int, certificate: Path) -> None:
    """Serve until killed."""
    make_mailboxes(root)
    reactor.suggestThreadPoolSize(20)
    factory = Factory.forProtocol(Bare)
    factory.root, factory.number = str(root), 0
    factory.tls = ssl.DefaultOpenSSLContextFactory(str(certificate), str(certificate))
    reactor.listenTCP(port, factory, interface="127.0.0.1", backlog=1000)
    reactor.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
