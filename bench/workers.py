"""POP3 sessions with one worker and with several: CPU of each, and how many a second.

Run: python -m bench workers [--quick] [--store KIND] [--save]. Each session logs in, asks STAT and
quits, command by command or all at once; 50 run at a time, each of another user, whose password is
proven already.
The load generator takes its part of the cores: with g and c milliseconds a session for generator
and gateway, two workers on two cores carry at most 2c / (c + g) times what one does. CPU is that
of the whole gateway, its supervisor included.

"2 apart" is two gateways of one process each, half of the users at each: what two processes cost
that share nothing but the machine. What two workers need beyond that is the price of being one.
"""

from __future__ import annotations

import argparse
import select
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from itertools import chain, cycle
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.growth_results import STORES, Growth
from bench.processes import cpu_seconds, resident_mib
from tests.interop.gateway import Account, Gateway

CONFIGURATION = """
[listen]
pop3 = ["tcp:0:interface=127.0.0.1"]
[auth]
plaintext = "loopback"
"""
USERS = 50
APART = "2 apart"
TITLES = {"1": "1 process", APART: "2 gateways"}


class Load:
    """Sessions of many users, one at a time for each.

    @param ports: users are shared out to them in turn.
    @param parallel: how many at a time; users take turns where they are more.
    """

    def __init__(
        self,
        ports: Sequence[int],
        accounts: Sequence[Account],
        *,
        pipelined: bool,
        parallel: int = USERS,
    ) -> None:
        scripts = []
        for account, port in zip(accounts, cycle(ports), strict=False):
            commands = [
                f"USER {account.address}\r\n".encode(),
                f"PASS {account.password}\r\n".encode(),
                b"STAT\r\n",
                b"QUIT\r\n",
            ]
            said = [b"".join(commands)] if pipelined else commands
            scripts.append((("127.0.0.1", port), said))
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
        address, said = next(self._turns[turn])
        client.connect_ex(address)
        self._poll.register(client.fileno(), select.EPOLLIN)
        self._clients[client.fileno()] = (client, turn, said[::-1])

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
    """A gateway and its load, or several gateways that share it.

    @param accounts: the same in all of them.
    """

    def __init__(
        self,
        gateways: Sequence[Gateway],
        accounts: Sequence[Account],
        *,
        pipelined: bool,
        parallel: int = USERS,
    ) -> None:
        self._pids = [one.process.pid for one in gateways if one.process is not None]
        ports = [one.ports["pop3"] for one in gateways]
        self._load = Load(ports, accounts, pipelined=pipelined, parallel=parallel)
        self._parallel = min(parallel, len(accounts))
        self._load.run(60, sessions=max(USERS * 12, 2 * len(accounts)))
        self._settle()

    def _cpu(self) -> float:
        return sum(cpu_seconds(pid) for pid in self._pids)

    def _settle(self) -> None:
        """Wait until passwords that were seen for the first time are worked on no more."""
        used = -1.0
        while self._cpu() - used > 0.03:
            used = self._cpu()
            time.sleep(0.3)

    def measure(self, seconds: float) -> Sample:
        """Run the load for so long."""
        before, own = self._cpu(), time.process_time()
        took = self._load.run(seconds)
        own = time.process_time() - own
        used = self._cpu() - before
        done = self._load.done + self._parallel  # those under way at the end are worked on, too
        mib = sum(resident_mib(pid) for pid in self._pids)
        return Sample(used / done * 1000, self._load.done / took, own / done * 1000, mib)


def show(mode: str, samples: dict[str, list[Sample]]) -> None:
    """Print medians, and what they are of those of the first."""
    first: Sample | None = None
    for name, runs in samples.items():
        found = Sample(
            *(statistics.median(getattr(run, one.name) for run in runs) for one in fields(Sample))
        )
        first = first or found
        print(
            f"{mode:<11}{name:>8}{found.cpu:>12.3f}{found.generator:>11.3f}{found.rate:>12.0f}"
            f"{found.mib:>8.0f}{found.cpu / first.cpu:>8.2f}{found.rate / first.rate:>8.2f}"
        )


def keep(
    growth: Growth, mode: str, place: int, samples: dict[str, list[Sample]], store: str
) -> None:
    """Add the samples to the rows of how the gateway grows."""
    for number, (name, runs) in enumerate(samples.items()):
        title = f"login, STAT, QUIT, {mode}, {TITLES.get(name, f'{name} workers')}"
        key = f"workers-{place}-{number}"
        growth.add(key, title, "ms", store, [run.cpu for run in runs])
        growth.add(f"load-{place}-{number}", title, "/s", store, [run.rate for run in runs])


def start(stack: ExitStack, store: str, workers: int) -> Gateway:
    """Start a gateway."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    gateway = Gateway(folder, configuration=CONFIGURATION, options=[], store=store, workers=workers)
    return stack.enter_context(gateway)


def main(arguments: list[str]) -> None:
    """Measure in turns, and print."""
    parser = argparse.ArgumentParser(prog="bench workers", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2], help="how many")
    parser.add_argument("--store", choices=STORES, default="maildir")
    parser.add_argument("--save", action="store_true", help="write docs/benchmarks")
    options = parser.parse_args(arguments)
    growth = Growth()
    print("                     ms CPU a session                        of the first")
    print("commands    workers     gateway  generator  sessions/s     MiB     CPU    load")
    with ExitStack() as stack:
        offices = {str(n): [start(stack, options.store, n)] for n in options.workers}
        offices[APART] = [start(stack, options.store, 1) for _ in range(2)]
        for gateway in chain.from_iterable(offices.values()):
            accounts = gateway.add_accounts(USERS)
        for place, (mode, pipelined) in enumerate((("one by one", False), ("at once", True))):
            candidates = {
                name: Candidate(gateways, accounts, pipelined=pipelined)
                for name, gateways in offices.items()
            }
            samples: dict[str, list[Sample]] = {name: [] for name in candidates}
            for _ in range(3 if options.quick else 8):
                for name, candidate in candidates.items():
                    samples[name].append(candidate.measure(1.5))
            show(mode, samples)
            keep(growth, mode, place, samples, options.store)
    if options.save:
        growth.save()


if __name__ == "__main__":
    main(sys.argv[1:])
