"""How long a start takes with 1,000 users and their mail: it looks into no mailbox.

Run: python -m bench start [--users N] [--messages N]. Prints the seconds from the start of the
process to "ready", the median of five.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.pop3.mailboxes import Contents, Masters, fill
from tests.interop.gateway import Gateway

_CONFIGURATION = "[auth]\nargon2 = { time_cost = 1, memory_cost = 8 }\nscram_iterations = 0\n"
ROUNDS = 5


def main(arguments: list[str]) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="bench start", description=__doc__)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--messages", type=int, default=100, help="of each; files that are linked")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        gateway = Gateway(folder, store="maildir", configuration=_CONFIGURATION)
        gateway.start()
        gateway.stop()
        accounts = gateway.add_accounts(options.users)
        master = Masters(folder / "masters").of(Contents(options.messages, 500))
        for account in accounts:
            user = account.address.partition("@")[0]
            fill(gateway.data / "mail" / "localhost" / user, master)
        seconds = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            gateway.start()
            seconds.append(time.perf_counter() - began)
            gateway.stop()
    median = statistics.median(seconds)
    print(f"{options.users} users of {options.messages} messages: ready after {median:.2f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
