"""A POP3 client (RFC 1939) that asks another server for its messages. Blocks.

Unlike the one in the standard library it takes lines of any length and gives messages as blocks.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.imports.errors import SourceError

_SECONDS = 60.0
_LONGEST_REPLY = 4096
_BLOCK = 65_536


@dataclass(frozen=True, slots=True)
class OldServer:
    """How a server is reached."""

    host: str
    port: int
    tls: str
    """"pop3s" (TLS from the start), "stls" (RFC 2595) or "none"."""
    ca_file: str | None = None
    """Whom to trust, in place of the system's authorities."""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class RefusedByServer(SourceError):
    """The server answered -ERR."""


class POP3Client:
    """A session with a server, from its greeting on.

    @raise SourceError: it cannot be reached, is not what it should be, or its certificate is not
        to be trusted.
    """

    def __init__(self, server: OldServer) -> None:
        self._server = server
        try:
            self._connect()
        except ssl.SSLCertVerificationError as error:
            self.close()
            raise SourceError(
                f"{server}: the certificate is not to be trusted ({error.verify_message}): name "
                "the server as its certificate does, or its authority with --ca FILE"
            ) from error
        except (OSError, SourceError) as error:
            self.close()
            raise self._lost(error) from error

    def _connect(self) -> None:
        server = self._server
        self._socket = socket.create_connection((server.host, server.port), _SECONDS)
        if server.tls == "pop3s":
            self._start_tls()
        self._file = self._socket.makefile("rb")
        self._reply("the greeting")
        if server.tls == "stls":
            self._command("STLS")
            self._file.close()
            self._start_tls()
            self._file = self._socket.makefile("rb")

    def _start_tls(self) -> None:
        context = ssl.create_default_context(cafile=self._server.ca_file)
        self._socket = context.wrap_socket(self._socket, server_hostname=self._server.host)

    def log_in(self, name: str, password: str) -> None:
        """Log in with USER and PASS."""
        self._ask(f"USER {name}")
        self._ask(f"PASS {password}", shown="PASS")

    def sizes(self) -> dict[int, int]:
        """Return the size of each message by its number."""
        self._ask("LIST")
        return {int(number): int(size) for number, size in self._pairs("LIST")}

    def uidls(self) -> dict[int, str]:
        """Return the unique-id of each message by its number.

        @raise RefusedByServer: the server knows no unique-ids.
        """
        self._ask("UIDL")
        return {int(number): uidl for number, uidl in self._pairs("UIDL")}

    def retrieve(self, number: int) -> Iterator[bytes]:
        """Yield the octets of a message, lines as the server ends them.

        @raise RefusedByServer: at once: it cannot be had.
        """
        self._ask(f"RETR {number}")
        return self._lines()

    def quit(self) -> None:
        """End the session. Never raises."""
        try:
            self._ask("QUIT")
        except SourceError:
            pass  # all was fetched already
        self.close()

    def close(self) -> None:
        """Close the connection, where there is one."""
        for each in (getattr(self, "_file", None), getattr(self, "_socket", None)):
            if each is not None:
                each.close()

    def _pairs(self, command: str) -> Iterator[tuple[str, str]]:
        for line in b"".join(self._lines()).decode("ascii", "replace").split("\r\n")[:-1]:
            match = re.fullmatch(r"([0-9]+)[ \t]+([^ \t]+).*", line)
            if match is None:
                raise SourceError(f"{self._server} answered {command} with {line[:60]!r}")
            yield match[1], match[2]

    def _lines(self) -> Iterator[bytes]:
        """Yield what comes up to the line with a single dot, dot-stuffing undone."""
        block: list[bytes] = []
        held = 0
        at_start = True
        while True:
            line = self._read(_BLOCK)
            if at_start and line in (b".\r\n", b".\n"):
                break
            if at_start and line.startswith(b"."):
                line = line[1:]
            at_start = line.endswith(b"\n")
            block.append(line)
            held += len(line)
            if held >= _BLOCK:
                yield b"".join(block)
                block, held = [], 0
        yield b"".join(block)

    def _ask(self, line: str, shown: str = "") -> str:
        try:
            return self._command(line, shown)
        except OSError as error:
            raise self._lost(error) from error

    def _command(self, line: str, shown: str = "") -> str:
        self._socket.sendall(f"{line}\r\n".encode())
        return self._reply(shown or line)

    def _reply(self, to: str) -> str:
        line = self._read(_LONGEST_REPLY).decode("utf-8", "replace").rstrip("\r\n")
        if line.startswith("+OK"):
            return line
        raise RefusedByServer(f"{self._server} answered to {to}: {line[:200]}")

    def _read(self, most: int) -> bytes:
        try:
            line = self._file.readline(most)
        except OSError as error:
            raise self._lost(error) from error
        if not line:
            raise SourceError(
                f"{self._server} closed the connection: run the same command again; what is here "
                "already is not fetched twice"
            )
        return line

    def _lost(self, error: Exception) -> SourceError:
        if isinstance(error, SourceError):
            return error
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return SourceError(f"{self._server}: {reason}")
