"""The control socket's answers, and which sockets count as stale."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from twisted.internet.protocol import connectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from gateway.client import Client
from gateway.control.server import ControlFactory, remove_stale_sockets
from gateway.control.sessions import SessionTable
from gateway.net.factory import ConnectionFactory

NO_SESSIONS = ControlFactory(SessionTable([]), lambda: [("pop3", "127.0.0.1:110")])


def ask(factory: ControlFactory, *lines: bytes) -> list[dict]:
    """Send lines in one piece; return the answers."""
    protocol = factory.buildProtocol(None)
    transport = StringTransport()
    protocol.makeConnection(transport)
    protocol.dataReceived(b"".join(line + b"\n" for line in lines))
    protocol.connectionLost(Failure(connectionDone.value))
    return [json.loads(line) for line in transport.value().splitlines()]


def test_commands_are_answered_in_order() -> None:
    assert ask(NO_SESSIONS, b'{"do": "ping"}', b'{"do":"listeners"}', b'{"do": "sessions"}') == [
        {"pid": os.getpid()},
        {"listeners": [{"protocol": "pop3", "address": "127.0.0.1:110"}]},
        {"sessions": []},
    ]


def test_what_is_not_understood_is_answered_with_an_error() -> None:
    lines = [
        b"",
        b"nonsense",
        b"[]",
        b'{"do": 1}',
        b'{"do": "kick"}',
        b'{"do":"kick","user":1}',
        b"[" * 60000,
        b"\xff",
    ]
    answers = ask(NO_SESSIONS, *lines)
    assert len(answers) == len(lines)
    assert all(answer.keys() == {"error"} for answer in answers)


class Session:
    """A connection as the table sees one."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.ended = ""

    def abort(self, reason: str) -> None:
        self.ended = reason


def test_a_kick_ends_the_sessions_of_that_user_only() -> None:
    anna = [Session(Client("pop3", "192.0.2.1", user="anna@example.org")) for _ in range(2)]
    others = [
        Session(Client("pop3", "192.0.2.1", user="bert@example.org")),
        Session(Client("smtp", "192.0.2.1")),
    ]
    factory = ConnectionFactory("pop3", reactor=object())  # type: ignore[arg-type]
    factory.connections.update([*anna, *others])  # type: ignore[list-item]
    table = SessionTable([factory])
    assert ask(ControlFactory(table, list), b'{"do":"kick","user":"Anna@Example.org"}') == [
        {"kicked": 2}
    ]
    assert all(session.ended for session in anna)
    assert not any(session.ended for session in others)
    assert table.kick("") == 0
    assert {row["user"] for row in table.rows()} == {"anna@example.org", "bert@example.org", None}


def test_only_the_sockets_of_the_dead_are_removed(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait(20)
    dead = tmp_path / f"{process.pid}.sock"
    mine = tmp_path / f"{os.getpid()}.sock"
    starting = tmp_path / f"{os.getppid()}.sock"
    for path in (dead, mine, starting):
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(path))
    other = tmp_path / "other.sock"
    other.touch()
    remove_stale_sockets(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([starting, other])
    long_ago = time.time() - 100
    os.utime(starting, (long_ago, long_ago))
    remove_stale_sockets(tmp_path)
    assert list(tmp_path.iterdir()) == [other]


def test_a_live_socket_of_a_live_process_stays(tmp_path: Path) -> None:
    path = tmp_path / f"{os.getppid()}.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        os.utime(path, (0, 0))
        remove_stale_sockets(tmp_path)
    assert path.exists()
