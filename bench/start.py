"""How long a start takes with 1,000 users of 10,000 messages: it looks into no mailbox.

Run: python -m bench start [--quick] [--store KIND] [--users N --messages N] [--save]. The seconds
from the start of the process to "ready", the median of five, with hardly any mail, and with more
and more. Files of a Maildir are links to the same few, and rows of the database share their octets,
so that they fit on a disk. Of files there are a million at most, unless --users asks for more.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import many_rows
from bench.growth_results import STORES, Growth
from bench.pop3.mailboxes import Contents, Masters, fill
from bench.pop3.our_gateway import fill_store
from tests.interop.gateway import Account, Gateway

_CONFIGURATION = "[auth]\nargon2 = { time_cost = 1, memory_cost = 8 }\nscram_iterations = 0\n"
ROUNDS = 5
OCTETS = 300
"""Of each message; what a start does not read need not be large."""
STORED = 10
"""So many messages are stored in the usual way, which takes its time with a million."""
OFFICES: tuple[tuple[int, int], ...] = ((1, 10), (1000, 10), (1000, 1000), (1000, 10_000))
"""Users, and messages of each."""
MOST_FILES = 1_000_000
"""Ten times as many take twenty minutes to make and to remove."""
QUICK = ((1, 10), (100, 100))


def measure(folder: Path, store: str, users: int, messages: int) -> list[float]:
    """Make an office, and return the seconds of each start."""
    gateway = Gateway(folder, store=store, configuration=_CONFIGURATION)
    gateway.start()
    gateway.stop()
    give(gateway, store, gateway.add_accounts(users), Contents(messages, OCTETS))
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        gateway.start()
        seconds.append(time.perf_counter() - began)
        gateway.stop()
    return seconds


def give(gateway: Gateway, store: str, accounts: list[Account], contents: Contents) -> None:
    """Let each account have the same messages."""
    if store == "sqlite":
        some = replace(contents, messages=min(contents.messages, STORED))
        addresses = [account.address for account in accounts]
        fill_store(gateway.data, addresses, some)
        if contents.messages > STORED:
            many_rows.add(gateway.data, addresses, contents.messages - STORED)
        return
    master = Masters(gateway.folder / "masters").of(contents)
    for account in accounts:
        user, _, domain = account.address.partition("@")
        fill(gateway.data / "mail" / domain / user, master)


def main(arguments: list[str]) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="bench start", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="ten thousand messages in all")
    parser.add_argument("--users", type=int, help="this office only")
    parser.add_argument("--messages", type=int, default=10_000, help="of each of its users")
    parser.add_argument("--store", action="append", choices=STORES, help="only this one")
    parser.add_argument("--save", action="store_true", help="write docs/benchmarks")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the gateway ends, too
    growth = Growth()
    offices = QUICK if options.quick else OFFICES
    if options.users:
        offices = ((options.users, options.messages),)
    for users, messages in offices:
        title = f"start with {users:,} users of {messages:,} messages"
        for store in options.store or STORES:
            if store == "maildir" and users * messages > MOST_FILES and not options.users:
                continue
            with tempfile.TemporaryDirectory() as name:
                seconds = measure(Path(name), store, users, messages)
                growth.add(f"start-{users}-{messages}", title, "s", store, seconds)
                if options.save:
                    growth.save()
    growth.show()


if __name__ == "__main__":
    main(sys.argv[1:])
