"""The load: one thread that serves all connections, and costs far less than any server.

Each connection sends MAIL, RCPT and DATA in one write, the message and its final dot in the next,
and waits for the replies to each, as a sending server does that uses PIPELINING. With a server that
has none, it waits after each command.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from bench.pop3.mailboxes import ENCODED_LINE, LINE
from bench.smtp_client import Connection

SECONDS = 300
"""How long a load may take."""

Dialog = Generator[tuple[bytes, int], bytes, None]
"""Yields what is to be sent, and how many replies end the wait; is sent the code of the last."""


@dataclass(frozen=True)
class Load:
    """What is sent."""

    connections: int
    messages: int
    octets: int
    recipients: int = 1
    starttls: bool = False
    """A new connection with STARTTLS for each message."""
    lmtp: bool = False
    """LMTP: LHLO, and a reply for each recipient."""
    pipelined: bool = True
    encoded: bool = False
    """Base64, as attachments are."""


def body(octets: int, encoded: bool = False) -> bytes:
    """A message of so many octets: text with a dot in each line, or base64."""
    line = (ENCODED_LINE if encoded else LINE).replace(b"\n", b"\r\n")
    text = b"Subject: benchmark\r\n\r\n" + line * (octets // len(line) + 1)
    return text[: octets - 2].replace(b"\r\n.", b"\r\nx").rstrip(b"\r\n") + b"\r\n"


def drive(port: int, load: Load, mailboxes: list[str]) -> tuple[float, list[float]]:
    """Send all of a load.

    @return: when the first octet was sent, by `perf_counter`; the seconds from the final dot to the
        reply of each message, nothing with STARTTLS.
    """
    if load.starttls:
        began = time.perf_counter()
        _drive_tls(port, load, mailboxes)
        return began, []
    numbers = iter(range(load.messages))
    message = body(load.octets, load.encoded) + b".\r\n"
    waits: list[float] = []
    poller = select.epoll()
    lines = {}
    for _ in range(load.connections):
        line = Line(port, poller, _dialog(load, mailboxes, numbers, message), waits)
        lines[line.socket.fileno()] = line
        # One after another: OpenSMTPD lets no more than five wait at its door.
        select.select([line.socket], [], [], SECONDS)
    began = time.perf_counter()
    deadline = time.monotonic() + SECONDS
    while lines:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{load} took more than {SECONDS} s")
        for descriptor, _ in poller.poll(1):
            if not lines[descriptor].go_on():
                lines.pop(descriptor).close()
    return began, waits


def _dialog(load: Load, mailboxes: list[str], numbers: Iterator[int], message: bytes) -> Dialog:
    yield b"", 1
    yield b"LHLO bench.example\r\n" if load.lmtp else b"EHLO bench.example\r\n", 1
    answers = load.recipients if load.lmtp else 1
    for number in numbers:
        commands = [b"MAIL FROM:<bench@client.example>\r\n"]
        commands += [b"RCPT TO:<%s>\r\n" % to.encode() for to in _to(load, number, mailboxes)]
        commands.append(b"DATA\r\n")
        if load.pipelined:
            code = yield b"".join(commands), len(commands)
        else:
            for command in commands:
                code = yield command, 1
        if code != b"354":
            raise RuntimeError(f"DATA was answered {code!r}")
        code = yield message, answers
        if code != b"250":
            raise RuntimeError(f"the message was answered {code!r}")


def _to(load: Load, number: int, mailboxes: list[str]) -> list[str]:
    first = number * load.recipients
    return [mailboxes[(first + n) % len(mailboxes)] for n in range(load.recipients)]


class Line:
    """One connection, and how far its dialog has come."""

    def __init__(self, port: int, poller: select.epoll, dialog: Dialog, waits: list[float]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self._poller = poller
        self._dialog = dialog
        self._waits = waits
        self._unsent = memoryview(b"")
        self._input = b""
        self._sent_at = 0.0
        self._is_message = False
        _, self._replies = next(dialog)
        poller.register(self.socket, select.EPOLLIN)

    def close(self) -> None:
        self._poller.unregister(self.socket)
        self.socket.close()

    def go_on(self) -> bool:
        """Send and receive what can be; False when the dialog is over."""
        if self._unsent:
            self._send()
        try:
            block = self.socket.recv(65_536)
        except BlockingIOError:
            return True
        if not block:
            raise ConnectionError(f"closed after {self._input!r}")
        self._input += block
        if not self._input.endswith(b"\n"):
            return True
        ends = [line for line in self._input.split(b"\r\n") if line[3:4] == b" "]
        if len(ends) < self._replies:
            return True
        if self._is_message:
            self._waits.append(time.perf_counter() - self._sent_at)
        self._input = b""
        return self._say_next(ends[-1][:3])

    def _say_next(self, code: bytes) -> bool:
        try:
            octets, self._replies = self._dialog.send(code)
        except StopIteration:
            return False
        self._is_message = octets.endswith(b"\r\n.\r\n")
        self._unsent = memoryview(octets)
        self._send()
        if self._unsent:
            self._poller.modify(self.socket, select.EPOLLIN | select.EPOLLOUT)
        return True

    def _send(self) -> None:
        try:
            self._unsent = self._unsent[self.socket.send(self._unsent) :]
        except BlockingIOError:
            return
        if not self._unsent:
            self._sent_at = time.perf_counter()
            self._poller.modify(self.socket, select.EPOLLIN)


def _drive_tls(port: int, load: Load, mailboxes: list[str]) -> None:
    """Send with one thread for each connection: nearly all of the work is OpenSSL's."""
    numbers, lock, faults = iter(range(load.messages)), threading.Lock(), list[BaseException]()
    message = body(load.octets, load.encoded)

    def work() -> None:
        try:
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                connection = Connection(port, pipelined=load.pipelined)
                connection.start_tls()
                connection.send(_to(load, number, mailboxes), message)
                connection.close()
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=work) for _ in range(load.connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
