"""The load: sessions on one thread that say what a script tells and wait for each answer.

It looks at the last octets of what comes only, so that it costs far less than any server.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

LINE = b"\r\n"
LINES = b"\r\n.\r\n"
CLOSED = b""
_BLOCK = 262_144
_PATIENCE_SECONDS = 180.0


class Step(NamedTuple):
    """What is said, and how its answer ends."""

    say: bytes
    end: bytes
    """`LINE`, `LINES`, or `CLOSED`: when the server closes the connection."""


@dataclass
class Outcome:
    """What a load came to."""

    seconds: float = 0.0
    client_seconds: float = 0.0
    """CPU of the load generator."""
    octets: int = 0
    """What came from the server."""
    sessions: list[float] = field(default_factory=list)
    """Seconds that each took."""


def client_context() -> ssl.SSLContext:
    """Return what begins a full handshake of TLS 1.3 each time."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def connect(port: int, context: ssl.SSLContext | None) -> socket.socket:
    """Connect; with TLS, do the handshake later."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setblocking(False)
    if context is not None:
        return context.wrap_socket(connection, do_handshake_on_connect=False)
    return connection


class Session:
    """One session on its way through its script."""

    def __init__(self, port: int, script: list[Step], context: ssl.SSLContext | None) -> None:
        self.began = time.perf_counter()
        self.connection = connect(port, context)
        self.octets = 0
        self._handshaking = context is not None
        self._script = iter([Step(b"", LINE), *script])
        self._tail = b""
        self._next()
        if self._handshaking:
            self._shake_hands()

    def _shake_hands(self) -> bool:
        try:
            self.connection.do_handshake()  # type: ignore[attr-defined]
        except ssl.SSLWantReadError:
            return False
        self._handshaking = False
        return True

    def _next(self) -> bool:
        step = next(self._script, None)
        if step is None:
            return False
        self._end, self._tail = step.end, b""
        if step.say and self.connection.send(step.say) != len(step.say):
            raise RuntimeError("the server does not take what is said")
        return True

    def go_on(self, buffer: memoryview) -> bool:
        """Take what has come; False when the session is over."""
        if self._handshaking and not self._shake_hands():
            return True
        try:
            while True:
                count = self.connection.recv_into(buffer)
                if not self._take(buffer, count):
                    return False
        except (BlockingIOError, ssl.SSLWantReadError):
            return True

    def _take(self, buffer: memoryview, count: int) -> bool:
        if not count:
            if self._end != CLOSED:
                raise ConnectionError(f"closed early, after {self._tail!r}")
            return False
        if not self._tail and buffer[0] != ord("+"):
            raise RuntimeError(f"refused: {bytes(buffer[: min(count, 200)])!r}")
        self.octets += count
        last = bytes(buffer[max(0, count - 5) : count])
        self._tail = last if count >= 5 else (self._tail + last)[-5:]
        if self._end and self._tail.endswith(self._end):
            return self._next()
        return True


def drive(
    port: int, scripts: Iterator[list[Step]], parallel: int, context: ssl.SSLContext | None = None
) -> Outcome:
    """Run sessions, so many at a time, until there are no more scripts."""
    outcome, poll, live = Outcome(), select.epoll(), dict[int, Session]()
    buffer = memoryview(bytearray(_BLOCK))
    began, cpu = time.perf_counter(), time.process_time()

    def start() -> None:
        script = next(scripts, None)
        if script is not None:
            session = Session(port, script, context)
            number = session.connection.fileno()
            live[number] = session
            poll.register(number, select.EPOLLIN)

    for _ in range(parallel):
        start()
    while live:
        events = poll.poll(_PATIENCE_SECONDS)
        if not events:
            raise TimeoutError(f"{len(live)} sessions wait for the server")
        for number, _ in events:
            session = live[number]
            if session.go_on(buffer):
                continue
            outcome.sessions.append(time.perf_counter() - session.began)
            outcome.octets += session.octets
            poll.unregister(number)
            del live[number]
            session.connection.close()
            start()
    poll.close()
    outcome.seconds = time.perf_counter() - began
    outcome.client_seconds = time.process_time() - cpu
    return outcome
