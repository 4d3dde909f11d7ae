"""What a POP3 session costs as connections, users and mailboxes grow, and what stays in memory.

Run: python -m bench growth [--quick] [--only PART]... [--store KIND] [--save]. In turns within each
part, so that all rows of it had the same machine; CPU is that of the gateway for one session:
login, STAT, QUIT, with passwords that are proven already. In brackets: what it is of the first row.

connections: 50 users beside more and more connections that are open and silent.
users: 10 sessions at a time, each of another user of the office, drawn at random; of larger
offices from 1,000 of them, each of whom has logged in before.
messages: one user, whose mailbox is larger and larger, and has not changed.
mailboxes: memory when so many mailboxes of 10,000 messages have been listed. Snapshots of 400,000
messages are kept in all, those used last.
"""

from __future__ import annotations

import argparse
import random
import resource
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.growth_results import STORES, Growth
from bench.pop3.load import CLOSED, LINE, LINES, Step, drive
from bench.pop3.mailboxes import Contents
from bench.processes import resident_mib
from bench.start import give
from bench.workers import USERS, Candidate
from gateway.accounts.schemes import Argon2Parameters, hash_password
from tests.interop.gateway import Account, Gateway

CONFIGURATION = """
[listen]
pop3 = ["tcp:0:interface=127.0.0.1"]
[auth]
plaintext = "loopback"
argon2 = { time_cost = 1, memory_cost = 8 }
scram_iterations = 0
[limits]
connections = 0
"""
CHEAP = Argon2Parameters(time_cost=1, memory_cost=8)
PASSWORD = "pass word of all"
CONNECTIONS = (1, 100, 1000, 5000)
OFFICES = (10, 1000, 10_000, 100_000)
MESSAGES = (10, 1000, 10_000, 100_000)
MAILBOXES = (1, 20, 40, 80)
LISTED = Contents(10_000, 300)
PARALLEL = 10
"""Sessions at a time where an office has no more users."""
DRAWN = 1000
"""So many of an office log in."""
ROUNDS = 5
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


class Part:
    """A part of the benchmark, for one kind of store."""

    def __init__(self, growth: Growth, store: str, *, quick: bool) -> None:
        self._growth = growth
        self._store = store
        self._last = -1 if quick else None
        self._rounds = 2 if quick else ROUNDS

    def connections(self) -> None:
        """Measure beside idle connections."""
        with self._office() as gateway:
            candidate = Candidate([gateway], fill(gateway, USERS), pipelined=False)
            idle = Idle(gateway.ports["pop3"])

            def beside(count: int) -> float:
                idle.be(count)
                return cpu(candidate)

            counts = CONNECTIONS[: self._last]
            title = "login, STAT, QUIT beside {:,} idle connections"
            self._compare("connections", title, {count: partial(beside, count) for count in counts})

    def users(self) -> None:
        """Measure in offices of more and more users."""
        with ExitStack() as stack:
            measures = {}
            for users in OFFICES[: self._last]:
                gateway = stack.enter_context(self._office())
                accounts = fill(gateway, users)
                drawn = random.Random(users).sample(accounts, min(users, DRAWN))
                candidate = Candidate([gateway], drawn, pipelined=False, parallel=PARALLEL)
                measures[users] = partial(cpu, candidate)
            title = "login, STAT, QUIT of anyone among {:,} users"
            self._compare("users", title, measures)

    def messages(self) -> None:
        """Measure with larger and larger mailboxes."""
        with self._office() as gateway:
            measures, sizes = {}, MESSAGES[: self._last]
            accounts = fill(gateway, len(sizes))
            for account, messages in zip(accounts, sizes, strict=True):
                give(gateway, self._store, [account], Contents(messages, 300))
            for account, messages in zip(accounts, sizes, strict=True):
                candidate = Candidate([gateway], [account], pipelined=False)
                measures[messages] = partial(cpu, candidate)
            title = "login, STAT, QUIT, {:,} messages that have not changed"
            self._compare("messages", title, measures)

    def mailboxes(self) -> None:
        """Measure what snapshots take."""
        with self._office() as gateway:
            assert gateway.process is not None
            counts = MAILBOXES[: self._last]
            accounts = fill(gateway, counts[-1])
            give(gateway, self._store, accounts, LISTED)
            listed = 0
            for count in counts:
                scripts = iter([poll(account) for account in accounts[listed:count]])
                drive(gateway.ports["pop3"], scripts, 1)
                listed = count
                title = f"memory after {count:,} mailboxes of {LISTED.messages:,} were listed"
                mib = resident_mib(gateway.process.pid)
                self._growth.add(f"mailboxes-{count}", title, "MiB", self._store, [mib])

    @contextmanager
    def _office(self) -> Iterator[Gateway]:
        with tempfile.TemporaryDirectory() as name:
            options = {"configuration": CONFIGURATION, "options": [], "store": self._store}
            with Gateway(Path(name), **options) as gateway:  # type: ignore[arg-type]
                gateway.admin("domain", "add", "example.org")
                yield gateway

    def _compare(self, kind: str, title: str, measures: Mapping[int, Callable[[], float]]) -> None:
        """Measure in turns."""
        for _ in range(self._rounds):
            for number, measure in measures.items():
                told = title.format(number)
                self._growth.add(f"{kind}-{number}", told, "ms", self._store, [measure()])


def cpu(candidate: Candidate) -> float:
    """Return the milliseconds of a session."""
    return candidate.measure(SECONDS).cpu


def fill(gateway: Gateway, users: int) -> list[Account]:
    """Add so many users; return them."""
    made = [Account(f"user{at}@example.org", PASSWORD) for at in range(users)]
    hashed = hash_password(PASSWORD, CHEAP)
    file = gateway.folder / "users.csv"
    file.write_text("".join(f'{one.address},"{hashed}"\n' for one in made))
    gateway.admin("user", "add", "--from", str(file), timeout=600)
    return made


def poll(account: Account) -> list[Step]:
    """Return what a client says that lists its mailbox."""
    said = (f"USER {account.address}", f"PASS {account.password}", "STAT", "UIDL", "LIST", "QUIT")
    ends = (LINE, LINE, LINE, LINES, LINES, CLOSED)
    return [Step(f"{line}\r\n".encode(), end) for line, end in zip(said, ends, strict=True)]


PARTS: dict[str, Callable[[Part], None]] = {
    "connections": Part.connections,
    "users": Part.users,
    "messages": Part.messages,
    "mailboxes": Part.mailboxes,
}


def main(arguments: list[str]) -> None:
    """Measure all ways of growing."""
    parser = argparse.ArgumentParser(prog="bench growth", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, without the largest")
    parser.add_argument("--only", action="append", choices=PARTS, help="this part")
    parser.add_argument("--store", action="append", choices=STORES, help="only this one")
    parser.add_argument("--save", action="store_true", help="write docs/benchmarks")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the gateways end, too
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    growth = Growth()
    for name in options.only or PARTS:
        for store in options.store or STORES:
            PARTS[name](Part(growth, store, quick=options.quick))
    growth.show()
    if options.save:
        growth.save()


if __name__ == "__main__":
    main(sys.argv[1:])
