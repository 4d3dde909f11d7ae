"""A NOOP every 5 ms on a session of its own, in a process of its own: who else has to wait?

Run: python heartbeat.py PORT USER. It ends when its standard input does, and prints the seconds
that each answer took.
"""

from __future__ import annotations

import select
import socket
import subprocess
import sys
import time
from pathlib import Path

from bench.pop3.servers import DOMAIN, PASSWORD

PERIOD_SECONDS = 0.005


class Heartbeat:
    """Runs it. A context manager; `answers` is there afterwards.

    @param user: one that has nothing else to do.
    """

    def __init__(self, port: int, user: str) -> None:
        self._arguments = [str(port), user]
        self.answers: list[float] = []

    def __enter__(self) -> Heartbeat:
        root = str(Path(__file__).parent.parent.parent)
        self._process = subprocess.Popen(
            [sys.executable, __file__, *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": root},
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()
        return self

    def __exit__(self, *_: object) -> None:
        printed, _nothing = self._process.communicate(timeout=30)
        self.answers = [float(word) for word in printed.split()]


def main(port: int, user: str) -> None:
    """Log in, say so, and beat."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.recv(1000)
    for line in (f"USER {user}@{DOMAIN}", f"PASS {PASSWORD}"):
        connection.sendall(f"{line}\r\n".encode())
        if not connection.recv(1000).startswith(b"+OK"):
            raise SystemExit("the heartbeat is not let in")
    print("in", flush=True)
    answers, due = [], time.perf_counter()
    while True:
        due = max(due + PERIOD_SECONDS, time.perf_counter())
        if select.select([sys.stdin], [], [], max(0.0, due - time.perf_counter()))[0]:
            break
        began = time.perf_counter()
        connection.sendall(b"NOOP\r\n")
        connection.recv(1000)
        answers.append(time.perf_counter() - began)
    print(*answers, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
