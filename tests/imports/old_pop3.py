"""A POP3 server that says what a script has, for what real ones do rarely."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping


class ScriptedServer:
    """Answers each command by its first word, else by the whole of it. A context manager.

    @param answers: by command: octets to send; None closes the connection. "greeting" is what comes
        first, "close after" names the command whose answer is the last.
    """

    def __init__(self, answers: Mapping[str, bytes | None]) -> None:
        self._answers = {
            "USER": b"+OK\r\n",
            "PASS": b"+OK\r\n",
            "QUIT": b"+OK\r\n",
            **answers,
        }
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.commands: list[str] = []

    def __enter__(self) -> ScriptedServer:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        connection.settimeout(20)
        greeting = self._answers.get("greeting", b"+OK\r\n")
        if greeting is None:
            return
        connection.sendall(greeting)
        with connection.makefile("rb") as lines:
            for line in lines:
                command = line.decode().rstrip("\r\n")
                self.commands.append(command)
                verb = command.split(" ")[0]
                answer = self._answers.get(command, self._answers.get(verb, b"-ERR what?\r\n"))
                if answer is None:
                    return
                connection.sendall(answer)
                if command.encode() == self._answers.get("close after"):
                    return
