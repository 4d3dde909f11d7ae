"""How long a start takes with 1,000 users and their mail: it looks into no mailbox.

Run: python -m bench start [--users N] [--messages N] [--store maildir|sqlite]. Prints the seconds
from the start of the process to "ready", the median of five, with so many messages for each user
and with none. Maildirs are filled with links to the same files, the database with one body for all
users, so that 10 million messages can be made in minutes.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.pop3.mailboxes import Contents, Masters, fill
from tests.interop.gateway import Gateway

_CONFIGURATION = "[auth]\nargon2 = { time_cost = 1, memory_cost = 8 }\nscram_iterations = 0\n"
_FILL_STORE = Path(__file__).parent / "pop3" / "fill_store.py"
OCTETS = 500
"""Of each message."""
ROUNDS = 5


def started(gateway: Gateway) -> float:
    """Return the seconds that a start takes, the median of several."""
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        gateway.start()
        seconds.append(time.perf_counter() - began)
        gateway.stop()
    return statistics.median(seconds)


def fill_mailboxes(gateway: Gateway, store: str, users: list[str], contents: Contents) -> None:
    """Put the same messages into the mailboxes of all users."""
    if store == "sqlite":
        numbers = [str(contents.messages), str(contents.octets)]
        command = [sys.executable, str(_FILL_STORE), str(gateway.data), *numbers]
        where = {"PYTHONPATH": str(Path(__file__).parent.parent)}
        subprocess.run(command, input="\n".join(users).encode(), check=True, env=where)
        return
    master = Masters(gateway.folder / "masters").of(contents)
    for address in users:
        fill(gateway.data / "mail" / "localhost" / address.partition("@")[0], master)


def measure(store: str, users: int, messages: int) -> None:
    """Print what a start takes with one kind of store."""
    with tempfile.TemporaryDirectory() as name:
        gateway = Gateway(Path(name), store=store, configuration=_CONFIGURATION)
        gateway.start()
        gateway.stop()
        accounts = gateway.add_accounts(users)
        empty = started(gateway)
        addresses = [account.address for account in accounts]
        fill_mailboxes(gateway, store, addresses, Contents(messages, OCTETS))
        full = started(gateway)
    print(
        f"{store:8} {users:,} users: ready after {full:.2f} s with {messages:,} messages each, "
        f"after {empty:.2f} s with none",
        flush=True,
    )


def main(arguments: list[str]) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="bench start", description=__doc__)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--messages", type=int, default=1000, help="of each user")
    parser.add_argument("--store", choices=["maildir", "sqlite"], action="append")
    options = parser.parse_args(arguments)
    for store in options.store or ["maildir", "sqlite"]:
        measure(store, options.users, options.messages)


if __name__ == "__main__":
    main(sys.argv[1:])
