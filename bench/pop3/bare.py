"""The floor: Twisted's epoll reactor sends the same octets from memory, without any mail logic.

Run: python bare.py FOLDER PORT TLSPORT CERT KEY. LOAD reads the mailbox of a user into
memory, so that no file is read while something is measured; FREE forgets it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twisted.internet.protocol import Factory, Protocol

from bench.pop3.listening import serve

OK = b"+OK\r\n"
MOST_KEPT = 64 * 1024 * 1024


class Box:
    """The answers of one mailbox."""

    def __init__(self, folder: Path) -> None:
        files = sorted((folder / "new").iterdir())
        sizes, messages, kept = [], list[bytes](), 0
        for file in files:
            text = file.read_bytes().replace(b"\n", b"\r\n")
            sizes.append(len(text))
            # Many small ones are only listed; of many large ones all are the same but a number.
            if not messages or (len(files) < 5000 and kept < MOST_KEPT):
                messages.append(b"+OK\r\n" + text + b".\r\n")
                kept += len(text)
            else:
                messages.append(messages[0])
        self.messages = messages
        self.fixed = {
            b"STAT": b"+OK %d %d\r\n" % (len(sizes), sum(sizes)),
            b"LIST": _listed(sizes),
            b"UIDL": _listed(file.name for file in files),
        }


def _listed(values: Any) -> bytes:
    lines: Iterator[str] = (f"{number} {value}\r\n" for number, value in enumerate(values, 1))
    return OK + "".join(lines).encode() + b".\r\n"


class Bare(Protocol):
    """Looks into a table, and writes."""

    factory: Any
    transport: Any

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)
        self._rest = b""
        self._user = b""
        self._box: Any = None
        self.transport.write(OK)

    def dataReceived(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\r\n")
        self.transport.writeSequence([self._answer(line) for line in lines])
        if lines and lines[-1] == b"QUIT":
            self.transport.loseConnection()

    def _answer(self, line: bytes) -> bytes:
        verb, _, rest = line.partition(b" ")
        if verb == b"RETR":
            message: bytes = self._box.messages[int(rest) - 1]
            return message
        if verb == b"USER":
            self._user = rest.partition(b"@")[0]
        elif verb == b"PASS":
            self._box = self.factory.box(self._user)
        elif verb == b"LOAD":
            self.factory.load(rest)
        elif verb == b"FREE":
            self.factory.free(rest)
        elif self._box is not None:
            answer: bytes = self._box.fixed.get(line, OK)
            return answer
        return OK


class Boxes(Factory):
    """Keeps the mailboxes that were loaded."""

    protocol = Bare

    def __init__(self, root: Path) -> None:
        self._root = root
        self._boxes: dict[bytes, Box] = {}

    def load(self, user: bytes) -> None:
        self._boxes[user] = Box(self._root / user.decode())

    def free(self, user: bytes) -> None:
        self._boxes.pop(user, None)

    def box(self, user: bytes) -> Box:
        return self._boxes[user]


if __name__ == "__main__":
    serve(Boxes(Path(sys.argv[1])), *sys.argv[2:])
