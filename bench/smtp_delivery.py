"""Receiving into Maildirs: the gateway beside a bare floor, Postfix and Dovecot, in one run.

Run: python -m bench smtp_delivery [--quick] [--only SCENARIO] [--server NAME]... [--save]

Prints copies (or MB) a second, from the first octet to the last copy in a mailbox, the CPU of the
server's whole process tree for a message, and both as ratios to the peers. Each scenario is run
three times, the servers in turn, and the median counts. Postfix (SMTP) and Dovecot (LMTP) take
part where they are installed and the benchmark runs as root.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.processes import cpu_seconds, resident_mib
from bench.results import Results, Row, machine, save
from bench.smtp_client import Connection, Heartbeat
from bench.smtp_load import Load, body, drive
from bench.smtp_servers import Server, servers

SCENARIOS = {
    "4 KB on 20": Load(20, 2000, 4096),
    "4 KB on 1": Load(1, 400, 4096),
    "4 KB on 100": Load(100, 2000, 4096),
    "1 MB on 10": Load(10, 200, 1_000_000),
    "one of 25 MB": Load(1, 4, 25_000_000),
    "4 KB to 50": Load(4, 80, 4096, recipients=50),
    "4 KB, STARTTLS": Load(20, 400, 4096, starttls=True),
    "LMTP, 4 KB on 20": Load(20, 2000, 4096, lmtp=True),
    "LMTP, 4 KB to 50": Load(4, 80, 4096, recipients=50, lmtp=True),
}
LARGE = 10_000_000
"""Octets of a message beside which a NOOP is timed."""
HALF_MESSAGES = 2000
ROUNDS = 3
Sample = dict[str, float]
"""rate: messages a second; cpu_each: CPU seconds a message; p50 and p99 of the seconds from the
final dot of a message to its reply; noop_longest: longest NOOP elsewhere, in seconds."""
VERSIONS = {
    "postfix": ("postconf", "-d", "-h", "mail_version"),
    "dovecot": ("dovecot", "--version"),
}
TITLES = {
    "pop3gw": "pop3gw, Maildir",
    "pop3gw-sqlite": "pop3gw, database",
    "bare": "bare Twisted",
    "postfix": "Postfix",
    "dovecot": "Dovecot LMTP",
}


def measure(server: Server, load: Load) -> Sample:
    """Run a load once."""
    before, cpu = server.stored(), cpu_seconds(server.pid)
    heartbeat = Heartbeat(server.port) if load.octets >= LARGE else None
    if heartbeat is not None:
        heartbeat.start()
    began = time.perf_counter()
    port = server.lmtp_port if load.lmtp else server.port
    waits = sorted(drive(port, load, server.mailboxes))
    wanted = before + load.messages * load.recipients
    while server.stored() < wanted:
        if time.perf_counter() - began > 300:
            raise TimeoutError(f"{server.name} has not delivered everything")
        time.sleep(0.01)
    sample = {"rate": load.messages / (time.perf_counter() - began)}
    if heartbeat is not None:
        sample["noop_longest"] = heartbeat.stop()
    sample["cpu_each"] = (cpu_seconds(server.pid) - cpu) / load.messages
    if waits:
        sample["p50"], sample["p99"] = (waits[int(part * (len(waits) - 1))] for part in (0.5, 0.99))
    return sample


def compare(running: list[Server], title: str, load: Load, rounds: int) -> Row:
    """Run a load on all servers in turn."""
    row = Row(re.sub("[^a-z0-9]+", "-", title.lower()), title, "cpu_each", "ms", 1000.0)
    running = [server for server in running if (server.lmtp_port if load.lmtp else server.port)]
    for _ in range(rounds):
        for server in running:
            row.samples.setdefault(server.name, []).append(measure(server, load))
    return row


def show(row: Row, load: Load) -> None:
    """Print a scenario, and the ratios of the gateway, with each of its stores, to the others."""
    medians = {
        name: {value: row.median(name, value) or 0.0 for value in samples[0]}
        for name, samples in row.samples.items()
    }
    ours = {name: sample for name, sample in medians.items() if name.startswith("pop3gw")}
    for name, found in medians.items():
        if load.octets >= LARGE:
            speed = f"{found['rate'] * load.octets / 1e6:8.0f} MB/s"
        else:
            speed = f"{found['rate'] * load.recipients:8.0f} /s  "
        line = f"{row.title:18} {name:13} {speed} {found['cpu_each'] * 1000:9.2f} ms CPU"
        if "p99" in found:
            line += f"  250 after {found['p50'] * 1000:.1f}, p99 {found['p99'] * 1000:.1f} ms"
        if "noop_longest" in found:
            line += f"  longest NOOP {found['noop_longest'] * 1000:.1f} ms"
        for mine, sample in ours.items() if name not in ours else ():
            rate, cpu = (sample[value] / found[value] for value in ("rate", "cpu_each"))
            line += f"   {mine}: {rate:.2f} x, {cpu:.2f} of its CPU"
        print(line, flush=True)


def keep(rows: list[Row], running: list[Server]) -> None:
    """Write all samples to docs/benchmarks."""
    for group, title, reference in (
        ("smtp", "Receiving over SMTP", "postfix"),
        ("lmtp", "Receiving over LMTP", "dovecot"),
    ):
        mine = [row for row in rows if row.title.startswith("LMTP") == (group == "lmtp")]
        for row in mine:
            row.place = list(SCENARIOS).index(row.title)
        names = {server.name for server in running}
        shown = {name: _version(name) for name in TITLES if name in names}
        taking_part = {name for row in mine for name in row.samples}
        shown = {name: text for name, text in shown.items() if name in taking_part}
        if mine and reference in names:
            save(Results(group, title, shown, "pop3gw", reference, "bare", machine(), mine))


def _version(name: str) -> str:
    if name not in VERSIONS:
        return TITLES[name]
    done = subprocess.run(VERSIONS[name], capture_output=True, text=True, timeout=10, check=True)
    return f"{TITLES[name]} {done.stdout.split()[0]}"


def half_messages(server: Server, count: int) -> float:
    """Hold so many messages half sent; return MiB of the server. Fair only just after its start."""
    half = body(40_000)
    with ExitStack() as stack:
        for number in range(count):
            connection = Connection(server.port)
            stack.callback(connection.close)
            connection.begin([server.mailboxes[number % len(server.mailboxes)]])
            connection.half(half)
        time.sleep(2)
        return resident_mib(server.pid)


def show_half(running: list[Server], count: int) -> None:
    """Print what messages half sent cost. Postfix, with a process for each, is left out."""
    for server in running:
        if server.name != "postfix" and server.port:
            mib = half_messages(server, count)
            print(f"{count} half messages  {server.name:8} {mib:.0f} MiB", flush=True)


def main(arguments: list[str]) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="bench smtp_delivery", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of a tenth of the messages")
    parser.add_argument("--only", choices=[*SCENARIOS, "half"], help="one scenario")
    parser.add_argument("--server", action="append", choices=list(servers()), help="only these")
    parser.add_argument("--save", action="store_true", help="write docs/benchmarks")
    options = parser.parse_args(arguments)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with ExitStack() as stack:
        running = []
        for name, kind in servers().items():
            if options.server is None or name in options.server:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                running.append(kind(folder))
                running[-1].start()
                stack.callback(running[-1].stop)
        if options.only in (None, "half"):
            show_half(running, HALF_MESSAGES // 10 if options.quick else HALF_MESSAGES)
        for server in running:
            # Several at once, so that whatever is started when it is needed has been.
            measure(server, Load(20, 200, 4096, recipients=10, lmtp=not server.port))
        rows = []
        for scenario, load in SCENARIOS.items():
            if options.only in (None, scenario):
                rounds = ROUNDS
                if options.quick:
                    rounds, load = 1, _tenth(load)
                rows.append(compare(running, scenario, load, rounds))
                show(rows[-1], load)
        if options.save:
            keep(rows, running)


def _tenth(load: Load) -> Load:
    messages = max(load.connections, load.messages // 10)
    return replace(load, messages=messages)


if __name__ == "__main__":
    main(sys.argv[1:])
