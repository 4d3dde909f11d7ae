"""One SMTP connection that says little and waits for each reply; and a heartbeat on one."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import socket
import ssl
import time

_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_TLS.check_hostname = False
_TLS.verify_mode = ssl.CERT_NONE


class Connection:
    """One SMTP or LMTP connection.

    @param pipelined: whether MAIL, RCPT and DATA go out together.
    """

    def __init__(self, port: int, hello: bytes = b"EHLO", *, pipelined: bool = True) -> None:
        self._pipelined = pipelined
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.replies(1)
        self.say(hello + b" bench.example\r\n", 1)

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
        commands.append(b"DATA\r\n")
        if self._pipelined:
            code = self.say(b"".join(commands), len(commands))
        else:
            code = [self.say(command, 1) for command in commands][-1]
        if code != b"354":
            raise RuntimeError(f"DATA was answered {code!r}")

    def send(self, recipients: list[str], message: bytes) -> None:
        self.begin(recipients)
        code = self.say(message + b".\r\n", 1)
        if code != b"250":
            raise RuntimeError(f"the message was answered {code!r}")

    def half(self, message: bytes) -> None:
        self._socket.sendall(message)

    def close(self) -> None:
        self._socket.close()


class Heartbeat:
    """A NOOP every 5 ms on a connection of its own, in a process of its own."""

    def __init__(self, port: int) -> None:
        self._ours, theirs = multiprocessing.Pipe()
        arguments = (Connection(port), theirs)
        self._process = multiprocessing.get_context("fork").Process(target=_beat, args=arguments)

    def start(self) -> None:
        self._process.start()

    def stop(self) -> float:
        """End it; return the longest answer, in seconds."""
        self._ours.send(None)
        longest: float = self._ours.recv()
        self._process.join()
        return longest


def _beat(connection: Connection, orders: multiprocessing.connection.Connection) -> None:
    longest = 0.0
    while not orders.poll(0.005):
        began = time.perf_counter()
        connection.say(b"NOOP\r\n", 1)
        longest = max(longest, time.perf_counter() - began)
    orders.send(longest)
    connection.close()
