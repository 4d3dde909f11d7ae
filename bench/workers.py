"""POP3 sessions with one worker and with several: CPU of each, and how many a second.

Run: python bench/workers.py [--quick]. Each session logs in, asks STAT and quits; 50 run at a time,
each of another user, whose password is proven already. The load generator takes its part of the
machine's cores, as a busy office's network would not, so that two workers on two cores cannot carry
twice as much. CPU is that of the whole gateway, its supervisor included.
"""

from __future__ import annotations

import argparse
import select
import socket
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
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
    """Sessions of many users, one at a time for each."""

    def __init__(self, port: int, accounts: list[Account], *, pipelined: bool) -> None:
        self._address = ("127.0.0.1", port)
        self._scripts = []
        for account in accounts:
            commands = [
                f"USER {account.address}\r\n".encode(),
                f"PASS {account.password}\r\n".encode(),
                b"STAT\r\n",
                b"QUIT\r\n",
            ]
            self._scripts.append([b"".join(commands)] if pipelined else commands)
        self._poll = select.epoll()
        self._clients: dict[int, tuple[socket.socket, int, list[bytes]]] = {}
        self.done = 0

    def run(self, seconds: float, sessions: int = 1 << 60) -> float:
        """Run for so long, or until so many sessions were; return the seconds it took."""
        self.done = 0
        begun = time.perf_counter()
        for user in range(len(self._scripts)):
            self._begin(user)
        while time.perf_counter() - begun < seconds and self.done < sessions:
            for descriptor, _ in self._poll.poll(1):
                self._go_on(descriptor)
        took = time.perf_counter() - begun
        while self._clients:  # those under way are not counted
            for descriptor, _ in self._poll.poll(1):
                self._go_on(descriptor, again=False)
        return took

    def _begin(self, user: int) -> None:
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(self._address)
        self._poll.register(client.fileno(), select.EPOLLIN)
        self._clients[client.fileno()] = (client, user, list(reversed(self._scripts[user])))

    def _go_on(self, descriptor: int, *, again: bool = True) -> None:
        client, user, script = self._clients[descriptor]
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
            self._begin(user)


@dataclass
class Sample:
    """What one run measured."""

    cpu: float
    """Milliseconds of the gateway for a session."""
    rate: float
    """Sessions a second."""
    mib: float


def measure(workers: int, seconds: float, store: str, *, pipelined: bool) -> Sample:
    """Start a gateway, let it warm up, and measure."""
    with (
        tempfile.TemporaryDirectory() as name,
        Gateway(
            Path(name), configuration=CONFIGURATION, options=[], store=store, workers=workers
        ) as gateway,
    ):
        accounts = gateway.add_accounts(USERS)
        load = Load(gateway.ports["pop3"], accounts, pipelined=pipelined)
        load.run(20, sessions=USERS * workers * 8)
        assert gateway.process is not None
        before = cpu_seconds(gateway.process.pid)
        took = load.run(seconds)
        used = cpu_seconds(gateway.process.pid) - before
        mib = resident_mib(gateway.process.pid)
        return Sample(used / load.done * 1000, load.done / took, mib)


def main() -> None:
    """Measure in turns, and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short run of each")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2], help="how many")
    parser.add_argument("--store", default="maildir")
    parser.add_argument(
        "--pipelined", action="store_true", help="all commands of a session at once"
    )
    options = parser.parse_args()
    rounds, seconds = (1, 2.0) if options.quick else (3, 5.0)
    samples: dict[int, list[Sample]] = {workers: [] for workers in options.workers}
    for _ in range(rounds):
        for workers in options.workers:
            samples[workers].append(
                measure(workers, seconds, options.store, pipelined=options.pipelined)
            )
    print(
        f"{'workers':>8}{'ms CPU a session':>18}{'sessions/s':>12}{'MiB':>7}{'CPU':>7}{'load':>7}"
    )
    first = options.workers[0]
    for workers in options.workers:
        cpu, rate, mib = (
            {
                w: statistics.median(getattr(sample, what) for sample in samples[w])
                for w in (first, workers)
            }
            for what in ("cpu", "rate", "mib")
        )
        print(
            f"{workers:>8}{cpu[workers]:>18.3f}{rate[workers]:>12.0f}{mib[workers]:>7.0f}"
            f"{cpu[workers] / cpu[first]:>7.2f}{rate[workers] / rate[first]:>7.2f}"
        )


if __name__ == "__main__":
    main()
