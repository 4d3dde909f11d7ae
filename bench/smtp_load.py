"""The load: threads with plain sockets, which say little and wait for each reply."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """What is sent."""

    connections: int
    messages: int
    octets: int
    recipients: int = 1
    starttls: bool = False
    """A new connection with STARTTLS for each message."""


_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_TLS.check_hostname = False
_TLS.verify_mode = ssl.CERT_NONE


def body(octets: int) -> bytes:
    """A message of so many octets."""
    line = b"All work and no play makes Jack a dull boy, said the shining one.\r\n"
    text = b"Subject: benchmark\r\n\r\n" + line * (octets // len(line) + 1)
    return text[: octets - 2].replace(b"\r\n.", b"\r\nx").rstrip(b"\r\n") + b"\r\n"


class Connection:
    """One SMTP connection."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.replies(1)
        self.say(b"EHLO bench.example\r\n", 1)

    def start_tls(self) -> None:
        self.say(b"STARTTLS\r\n", 1)
        self._socket = _TLS.wrap_socket(self._socket)
        self.say(b"EHLO bench.example\r\n", 1)

    def say(self, octets: bytes, replies: int) -> bytes:
        self._socket.sendall(octets)
        return self.replies(replies)

    def replies(self, count: int) -> bytes:
        """Read so many replies; return the code of the last."""
        buffer = b""
        while True:
            block = self._socket.recv(65536)
            if not block:
                raise ConnectionError(f"closed after {buffer!r}")
            buffer += block
            if buffer.endswith(b"\n"):
                lines = [line for line in buffer.split(b"\r\n") if line[3:4] != b"-"]
                if len(lines) - 1 >= count:
                    return lines[-2][:3]

    def begin(self, recipients: list[str]) -> None:
        """Come as far as 354."""
        commands = [b"MAIL FROM:<bench@client.example>\r\n"]
        commands += [b"RCPT TO:<%s>\r\n" % recipient.encode() for recipient in recipients]
        code = self.say(b"".join(commands) + b"DATA\r\n", len(commands) + 1)
        if code != b"354":
            raise RuntimeError(f"DATA was answered {code!r}")

    def send(self, recipients: list[str], message: bytes) -> float:
        """Send a message; return the seconds from the final dot to its 250."""
        self.begin(recipients)
        self.half(message)
        began = time.perf_counter()
        code = self.say(b".\r\n", 1)
        if code != b"250":
            raise RuntimeError(f"the message was answered {code!r}")
        return time.perf_counter() - began

    def half(self, message: bytes) -> None:
        self._socket.sendall(message)

    def close(self) -> None:
        self._socket.close()


def drive(port: int, load: Load, mailboxes: list[str]) -> list[float]:
    """Send all of a load. Raises what a sender raised.

    @return: for each message the seconds from its final dot to its 250.
    """
    numbers = iter(range(load.messages))
    lock, message = threading.Lock(), body(load.octets)
    faults: list[BaseException] = []
    waits: list[float] = []

    def work() -> None:
        try:
            waits.extend(_send(port, load, mailboxes, _shared(numbers, lock), message))
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=work) for _ in range(load.connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return waits


def _shared(numbers: Iterator[int], lock: threading.Lock) -> Iterator[int]:
    while True:
        with lock:
            number = next(numbers, None)
        if number is None:
            return
        yield number


def _send(
    port: int, load: Load, mailboxes: list[str], numbers: Iterator[int], message: bytes
) -> list[float]:
    waits = []
    connection = None if load.starttls else Connection(port)
    for number in numbers:
        first = number * load.recipients
        count = len(mailboxes)
        to = [mailboxes[(first + n) % count] for n in range(load.recipients)]
        if connection is None:
            fresh = Connection(port)
            fresh.start_tls()
            waits.append(fresh.send(to, message))
            fresh.close()
        else:
            waits.append(connection.send(to, message))
    if connection is not None:
        connection.close()
    return waits


class Heartbeat(threading.Thread):
    """A NOOP every 5 ms on a connection of its own."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.longest = 0.0
        """Seconds."""
        self._connection = Connection(port)
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(0.005):
            began = time.perf_counter()
            self._connection.say(b"NOOP\r\n", 1)
            self.longest = max(self.longest, time.perf_counter() - began)

    def stop(self) -> float:
        """End it; return the longest answer, in seconds."""
        self._stopped.set()
        self.join()
        self._connection.close()
        return self.longest
