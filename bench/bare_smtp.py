"""The floor: Twisted's reactor, fsync of file and folder in its thread pool, no mail logic.

Run: python bench/bare_smtp.py FOLDER PORT. Understands only what `bench/smtp_load.py` says.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from twisted.internet import reactor, ssl
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread

MAILBOXES = 50


class Bare(Protocol):
    """Takes a message between DATA and the dot."""

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)
        self.blocks: list[bytes] | None = None
        self.last = b""
        self.mailboxes: list[bytes] = []
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
                self.mailboxes.append(line.partition(b"<")[2].partition(b"@")[0])
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


def store(root: str, mailboxes: list[bytes], number: int, message: bytes) -> None:
    """Write once, link, sync."""
    path = f"{root}/tmp/{number}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(descriptor, message)
    os.fsync(descriptor)
    os.close(descriptor)
    folders = [f"{root}/{mailbox.decode()}/new" for mailbox in mailboxes]
    for folder in folders:
        os.link(path, f"{folder}/{number}")
    for folder in folders:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(descriptor)
        os.close(descriptor)
    os.unlink(path)  # noqa: PTH108


def main(root: Path, port: int, certificate: Path) -> None:
    """Serve until killed."""
    for name in ["tmp", *(f"user{number}/new" for number in range(1, MAILBOXES + 1))]:
        (root / name).mkdir(parents=True)
    reactor.suggestThreadPoolSize(20)
    factory = Factory.forProtocol(Bare)
    factory.root, factory.number = str(root), 0
    factory.tls = ssl.DefaultOpenSSLContextFactory(str(certificate), str(certificate))
    reactor.listenTCP(port, factory, interface="127.0.0.1", backlog=1000)
    reactor.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
