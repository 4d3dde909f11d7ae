"""Peers that are a Twisted program of ours in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from bench.pop3.mailboxes import Contents
from bench.pop3.servers import Server, end
from bench.ports import free_port, wait_for

ROOT = Path(__file__).resolve().parent.parent.parent


class TwistedProgram(Server):
    """Runs `program` with the folder of the mailboxes, two ports, certificate and key."""

    most_idle = 5000
    program: str

    @classmethod
    def version(cls) -> str | None:
        return f"(Twisted {version('twisted')})"

    def start(self) -> None:
        self.mail.mkdir()
        self.port, self.tls_port = free_port(), free_port()
        place = self.place
        arguments = [self.mail, str(self.port), str(self.tls_port), place.certificate, place.key]
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name(self.program), *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self.pid = self._process.pid
        wait_for(self.port)

    def stop(self) -> None:
        end(self._process)


class TwistedMail(TwistedProgram):
    """The POP3 class that comes with Twisted, and its Maildir."""

    name = "twisted.mail"
    title = "twisted.mail"
    program = "twisted_mail.py"
    counts_sizes = False

    def give(self, users: Sequence[str], contents: Contents) -> None:
        super().give(users, contents)
        for user in users:
            (self.mail / user / ".Trash" / "cur").mkdir(parents=True)


class Bare(TwistedProgram):
    """The floor."""

    name = "bare"
    title = "bare"
    program = "bare.py"

    def give(self, users: Sequence[str], contents: Contents) -> None:
        super().give(users, contents)
        self._say(f"LOAD {user}" for user in users)

    def take(self, users: Sequence[str]) -> None:
        super().take(users)
        self._say(f"FREE {user}" for user in users)

    def _say(self, lines: Iterable[str]) -> None:
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            answers = connection.makefile("rb")
            answers.readline()
            for line in lines:
                connection.sendall(f"{line}\r\n".encode())
                answers.readline()
