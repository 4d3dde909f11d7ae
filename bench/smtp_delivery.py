"""Receiving over SMTP and LMTP: the gateway beside a bare floor and other servers, in one run.

Run: python -m bench smtp_delivery [--quick] [--only SCENARIO] [--server NAME]... [--save]

Prints copies (or MB) a second, from the first octet to the last copy in a mailbox, the CPU of the
server's whole process tree for a message, and both as ratios to the peers. Each scenario is run
three times, the servers in turn, and the median counts. aiosmtpd takes part where it is installed;
Postfix, OpenSMTPD (SMTP) and Dovecot (LMTP) where the benchmark runs as root, too.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import smtp_opensmtpd, system_calls
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
    "1 MB on 10, base64": Load(10, 200, 1_000_000, encoded=True),
    "one of 25 MB": Load(1, 4, 25_000_000),
    "4 KB to 50": Load(4, 80, 4096, recipients=50),
    "4 KB, STARTTLS": Load(20, 400, 4096, starttls=True),
    "LMTP, 4 KB on 20": Load(20, 2000, 4096, lmtp=True),
    "LMTP, 4 KB to 50": Load(4, 80, 4096, recipients=50, lmtp=True),
}
LARGE = 10_000_000
"""Octets of a message beside which a NOOP is timed."""
COUNTED = {"4 KB on 20": 200, "4 KB to 50": 20, "LMTP, 4 KB on 20": 200}
"""Scenarios of which system calls are counted, and of how many messages."""
HALF = "40 KB half sent, memory (PSS)"
HALF_OCTETS = 40_000
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
    "aiosmtpd": "aiosmtpd",
    "postfix": "Postfix",
    "opensmtpd": "OpenSMTPD",
    "dovecot": "Dovecot LMTP",
}


def measure(server: Server, load: Load) -> Sample:
    """Run a load once."""
    before, cpu = server.stored(), cpu_seconds(server.pid)
    heartbeat = Heartbeat(server.port) if load.octets >= LARGE else None
    if heartbeat is not None:
        heartbeat.start()
    port = server.lmtp_port if load.lmtp else server.port
    load = replace(load, pipelined=server.pipelines)
    began, waits = drive(port, load, server.mailboxes)
    waits.sort()
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
    row = _row(title, "cpu_each", "ms", 1000.0)
    able = [server for server in running if can_run(server, load)]
    for _ in range(rounds):
        for server in able:
            row.samples.setdefault(server.name, []).append(measure(server, load))
    return row


def can_run(server: Server, load: Load) -> bool:
    """Say whether a load asks of a server only what it does."""
    port = server.lmtp_port if load.lmtp else server.port
    return bool(port) and (server.tls or not load.starttls)


def count_calls(row: Row, running: list[Server], load: Load) -> None:
    """Count the system calls of a message."""
    for server in running:
        if can_run(server, load):
            report = server.folder / "strace.txt"
            calls = system_calls.count(server.pid, report, partial(measure, server, load))
            if calls is not None:
                row.calls[server.name] = calls / load.messages


def _row(title: str, value: str, unit: str, factor: float = 1.0) -> Row:
    return Row(re.sub("[^a-z0-9]+", "-", title.lower()), title, value, unit, factor)


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
            line += f"   {mine}: {sample['rate'] / found['rate']:.2f} x"
            if found["cpu_each"]:
                line += f", {sample['cpu_each'] / found['cpu_each']:.2f} of its CPU"
        print(line, flush=True)


def keep(row: Row, names: list[str]) -> None:
    """Write all samples of a row to docs/benchmarks, unless the peer to beat has not run."""
    if row.title.startswith("LMTP"):
        group, title, reference = "lmtp", "Receiving over LMTP", "dovecot"
    else:
        group, title, reference = "smtp", "Receiving over SMTP", "postfix"
    row.place = [*SCENARIOS, HALF].index(row.title)
    shown = {name: _version(name) for name in TITLES if name in row.samples}
    if reference in names:
        save(Results(group, title, shown, "pop3gw", reference, "bare", machine(), [row]))


def _version(name: str) -> str:
    if name == "aiosmtpd":
        return f"{TITLES[name]} {version(name)}"
    if name == "opensmtpd":
        return f"{TITLES[name]} {smtp_opensmtpd.version()}"
    if name not in VERSIONS:
        return TITLES[name]
    done = subprocess.run(VERSIONS[name], capture_output=True, text=True, timeout=10, check=True)
    return f"{TITLES[name]} {done.stdout.split()[0]}"


def half_messages(server: Server, count: int) -> Sample:
    """Hold so many messages half sent. Fair only just after the start of the server."""
    half, before = body(HALF_OCTETS), resident_mib(server.pid)
    with ExitStack() as stack:
        for number in range(count):
            connection = Connection(server.port, pipelined=server.pipelines)
            stack.callback(connection.close)
            connection.begin([server.mailboxes[number % len(server.mailboxes)]])
            connection.half(half)
        time.sleep(2)
        mib = resident_mib(server.pid) - before
    return {"messages": count, "kib_each": mib * 1024 / count}


def compare_half(running: list[Server], part: int) -> Row:
    """Measure what a message half sent costs, with a part of as many as each server can hold."""
    row = _row(HALF, "kib_each", "KB")
    for server in running:
        if server.port:
            row.samples[server.name] = [half_messages(server, server.most_half // part)]
            print(f"{HALF}  {server.name:13} {row.median(server.name):8.1f} KB", flush=True)
    return row


@contextmanager
def started(kinds: list[type[Server]]) -> Iterator[list[Server]]:
    """Have servers run."""
    with ExitStack() as stack:
        running = []
        for kind in kinds:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            running.append(kind(folder))
            running[-1].start()
            stack.callback(running[-1].stop)
        yield running


def main(arguments: list[str]) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="bench smtp_delivery", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of a tenth of the messages")
    parser.add_argument("--only", choices=[*SCENARIOS, "half"], help="one scenario")
    parser.add_argument("--server", action="append", choices=list(servers()), help="only these")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--save", action="store_true", help="write docs/benchmarks")
    options = parser.parse_args(arguments)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    kinds = [kind for name, kind in servers().items() if name in (options.server or servers())]
    names = [kind.name for kind in kinds]
    if options.only in (None, "half"):
        with started(kinds) as running:
            row = compare_half(running, 10 if options.quick else 1)
        if options.save:
            keep(row, names)
    loads = {name: load for name, load in SCENARIOS.items() if options.only in (None, name)}
    if loads:
        with started(kinds) as running:
            for row in run(running, loads, options):
                if options.save:
                    keep(row, names)


def run(
    running: list[Server], loads: dict[str, Load], options: argparse.Namespace
) -> Iterator[Row]:
    """Measure and print scenarios."""
    for server in running:
        # Several at once, so that whatever is started when it is needed has been.
        measure(server, Load(20, 40 if options.quick else 200, 4096, 10, lmtp=not server.port))
    for scenario, load in loads.items():
        if options.quick:
            options.rounds, load = 1, _tenth(load)
        row = compare(running, scenario, load, options.rounds)
        show(row, load)
        if scenario in COUNTED and not options.quick:
            count_calls(row, running, replace(load, messages=COUNTED[scenario]))
        yield row


def _tenth(load: Load) -> Load:
    messages = max(load.connections, load.messages // 10)
    return replace(load, messages=messages)


if __name__ == "__main__":
    main(sys.argv[1:])
