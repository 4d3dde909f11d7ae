"""What a POP3 session costs beside many idle connections, and among many users.

Run: python bench/growth.py [--quick]. The same 50 users log in, ask STAT and quit, first beside
more and more connections that are open and silent, then in offices of more and more users. A row is
measured in turns with the others, so that all had the same machine; the last column is to be flat.
"""

from __future__ import annotations

import argparse
import resource
import socket
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.workers import USERS, Candidate, Sample
from gateway.accounts.schemes import hash_password
from tests.interop.gateway import Account, Gateway

CONFIGURATION = """
[listen]
pop3 = ["tcp:0:interface=127.0.0.1"]
[auth]
plaintext = "loopback"
[limits]
connections = 0
"""
PASSWORD = "pass word of all"
CONNECTIONS = (1, 100, 1000, 5000)
OFFICES = (50, 1000, 10_000, 100_000)
ROUNDS = 8
SECONDS = 1.0


class Idle:
    """Connections that are greeted and say nothing."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: list[socket.socket] = []

    def be(self, count: int) -> None:
        """Have so many."""
        while len(self._open) < count:
            self._open.append(socket.create_connection(("127.0.0.1", self._port), timeout=30))
            assert self._open[-1].recv(100).startswith(b"+OK")
        while len(self._open) > count:
            self._open.pop().close()


def fill(gateway: Gateway, users: int) -> list[Account]:
    """Add so many users; return those that log in."""
    gateway.admin("domain", "add", "example.org")
    made = [Account(f"user{at}@example.org", PASSWORD) for at in range(users)]
    hashed = hash_password(PASSWORD)
    file = gateway.folder / "users.csv"
    file.write_text("".join(f'{one.address},"{hashed}"\n' for one in made))
    gateway.admin("user", "add", "--from", str(file), timeout=600)
    return made[:: users // USERS][:USERS]


def compare(candidates: dict[int, Callable[[], Sample]], rounds: int) -> None:
    """Measure in turns, and print a row for each."""
    samples: dict[int, list[float]] = {number: [] for number in candidates}
    for _ in range(rounds):
        for number, measure in candidates.items():
            samples[number].append(measure().cpu)
    first = statistics.median(next(iter(samples.values())))
    for number, found in samples.items():
        cpu = statistics.median(found)
        print(f"{number:>12}{cpu:>12.3f}{cpu / first:>8.2f}", flush=True)


def main() -> None:
    """Measure both ways of growing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller numbers")
    parser.add_argument("--store", default="maildir")
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    rounds, last = (3, -1) if options.quick else (ROUNDS, None)
    with tempfile.TemporaryDirectory() as name:
        named = {"configuration": CONFIGURATION, "options": [], "store": options.store}
        with Gateway(Path(name), **named) as gateway:
            candidate = Candidate(gateway, fill(gateway, USERS), pipelined=False)
            idle = Idle(gateway.ports["pop3"])

            def beside(count: int) -> Sample:
                idle.be(count)
                return candidate.measure(SECONDS)

            print(" connections  ms CPU a session")
            compare({n: lambda n=n: beside(n) for n in CONNECTIONS[:last]}, rounds)
            idle.be(0)
    print("       users  ms CPU a session")
    among(OFFICES[:last], named, rounds)


def among(offices: tuple[int, ...], named: dict[str, object], rounds: int) -> None:
    """Measure in offices of different sizes."""
    folders, gateways, candidates = [], [], {}
    try:
        for users in offices:
            folders.append(tempfile.TemporaryDirectory())
            gateway = Gateway(Path(folders[-1].name), **named)  # type: ignore[arg-type]
            gateways.append(gateway)
            gateway.start()
            candidates[users] = Candidate(gateway, fill(gateway, users), pipelined=False)
        compare({n: lambda c=c: c.measure(SECONDS) for n, c in candidates.items()}, rounds)
    finally:
        for gateway in gateways:
            gateway.stop()
        for folder in folders:
            folder.cleanup()


if __name__ == "__main__":
    main()
