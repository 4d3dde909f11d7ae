"""POP3 sessions with one worker and with several: CPU of each, and how many a second.

Run: python bench/workers.py [--quick]. Each session logs in, asks STAT and quits, command by
command or all at once; 50 run at a time, each of another user, whose password is proven already.
The load generator takes its part of the cores: with g and c milliseconds a session for generator
and gateway, two workers on two cores carry at most 2c / (c + g) times what one does. CPU is that
of the whole gateway, its supervisor included.
"""

from __future__ import annotations

import argparse
import select
import socket
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, fields
from itertools import cycle
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.processes import cpu_seconds, resident_mib
from tests.interop.gateway import Account, Gateway

CONFIGURATION = """
[listen]
pop3 = ["tcp:0:interface=127.0.0.1"]
[auth]
plaintext = "loopback"
"""
USERS = 50


class Load:
    """Sessions of many users, one at a time for each.

    @param parallel: how many at a time; users take turns where they are more.
    """

    def __init__(
        self, port: int, accounts: list[Account], *, pipelined: bool, parallel: int = USERS
    ) -> None:
        self._address = ("127.0.0.1", port)
        scripts = []
        for account in accounts:
            commands = [
                f"USER {account.address}\r\n".encode(),
                f"PASS {account.password}\r\n".encode(),
                b"STAT\r\n",
                b"QUIT\r\n",
            ]
            scripts.append([b"".join(commands)] if pipelined else commands)
        parallel = min(parallel, len(scripts))
        self._turns = [cycle(scripts[at::parallel]) for at in range(parallel)]
        self._poll = select.epoll()
        self._clients: dict[int, tuple[socket.socket, int, list[bytes]]] = {}
        self.done = 0

    def run(self, seconds: float, sessions: int = 1 << 60) -> float:
        """Run for so long, or until so many sessions were; return the seconds it took."""
        self.done = 0
        begun = time.perf_counter()
        for turn in range(len(self._turns)):
            self._begin(turn)
        while time.perf_counter() - begun < seconds and self.done < sessions:
            for descriptor, _ in self._poll.poll(1):
                self._go_on(descriptor)
        took = time.perf_counter() - begun
        while self._clients:  # those under way are not counted
            for descriptor, _ in self._poll.poll(1):
                self._go_on(descriptor, again=False)
        return took

    def _begin(self, turn: int) -> None:
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(self._address)
        self._poll.register(client.fileno(), select.EPOLLIN)
        self._clients[client.fileno()] = (client, turn, list(reversed(next(self._turns[turn]))))

    def _go_on(self, descriptor: int, *, again: bool = True) -> None:
        client, turn, script = self._clients[descriptor]
        octets = client.recv(4096)
        if octets.startswith(b"-ERR"):
            raise SystemExit(f"a session failed: {octets!r}")
        if octets:
            if script:
                client.send(script.pop())
            return
        client.close()
        del self._clients[descriptor]
        if again:
            self.done += 1
            self._begin(turn)


@dataclass
class Sample:
    """What one run measured."""

    cpu: float
    """Milliseconds of the gateway for a session."""
    rate: float
    """Sessions a second."""
    generator: float
    """Milliseconds of the load generator for a session."""
    mib: float
    """Memory of the gateway, what processes share counted once."""


class Candidate:
    """A gateway with so many workers, and its load."""

    def __init__(
        self,
        gateway: Gateway,
        accounts: list[Account],
        *,
        pipelined: bool,
        parallel: int = USERS,
    ) -> None:
        assert gateway.process is not None
        self._pid = gateway.process.pid
        port = gateway.ports["pop3"]
        self._load = Load(port, accounts, pipelined=pipelined, parallel=parallel)
        self._parallel = min(parallel, len(accounts))
        self._load.run(60, sessions=max(USERS * 12, 2 * len(accounts)))
        self._settle()

    def _settle(self) -> None:
        """Wait until passwords that were seen for the first time are worked on no more."""
        used = -1.0
        while cpu_seconds(self._pid) - used > 0.03:
            used = cpu_seconds(self._pid)
            time.sleep(0.3)

    def measure(self, seconds: float) -> Sample:
        """Run the load for so long."""
        before, own = cpu_seconds(self._pid), time.process_time()
        took = self._load.run(seconds)
        own = time.process_time() - own
        used = cpu_seconds(self._pid) - before
        done = self._load.done + self._parallel  # those under way at the end are worked on, too
        mib = resident_mib(self._pid)
        return Sample(used / done * 1000, self._load.done / took, own / done * 1000, mib)


def show(mode: str, samples: dict[int, list[Sample]]) -> None:
    """Print medians, and what they are of those of the first."""
    first: Sample | None = None
    for workers, runs in samples.items():
        found = Sample(
            *(statistics.median(getattr(run, one.name) for run in runs) for one in fields(Sample))
        )
        first = first or found
        print(
            f"{mode:<11}{workers:>8}{found.cpu:>12.3f}{found.generator:>11.3f}{found.rate:>12.0f}"
            f"{found.mib:>8.0f}{found.cpu / first.cpu:>8.2f}{found.rate / first.rate:>8.2f}"
        )


def main() -> None:
    """Measure in turns, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2], help="how many")
    parser.add_argument("--store", default="maildir")
    options = parser.parse_args()
    print("                     ms CPU a session                        of the first")
    print("commands    workers     gateway  generator  sessions/s     MiB     CPU    load")
    with ExitStack() as stack:
        offices = []
        for workers in options.workers:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            gateway = Gateway(
                folder,
                configuration=CONFIGURATION,
                options=[],
                store=options.store,
                workers=workers,
            )
            stack.enter_context(gateway)
            offices.append((workers, gateway, gateway.add_accounts(USERS)))
        for mode, pipelined in (("one by one", False), ("at once", True)):
            candidates = {
                workers: Candidate(gateway, accounts, pipelined=pipelined)
                for workers, gateway, accounts in offices
            }
            samples: dict[int, list[Sample]] = {workers: [] for workers in candidates}
            for _ in range(3 if options.quick else 12):
                for workers, candidate in candidates.items():
                    samples[workers].append(candidate.measure(1.5))
            show(mode, samples)


if __name__ == "__main__":
    main()
