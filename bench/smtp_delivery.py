"""Receiving into Maildirs: the gateway beside a bare floor, Postfix and Dovecot, in one run.

Run: python -m bench smtp_delivery [--quick] [--only SCENARIO] [--server NAME]...

Prints copies (or MB) a second, from the first octet to the last copy in a Maildir, the CPU of the
server's whole process tree for a message, and both as ratios to the peers. Each scenario is run
three times, the servers in turn, and the median counts. Postfix (SMTP) and Dovecot (LMTP) take
part where they are installed and the benchmark runs as root.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.processes import cpu_seconds, resident_mib
from bench.smtp_client import Connection, Heartbeat
from bench.smtp_load import Load, body, drive
from bench.smtp_servers import Server, servers

SCENARIOS = {
    "4 KB on 20": Load(20, 2000, 4096),
    "4 KB on 100": Load(100, 2000, 4096),
    "1 MB on 10": Load(10, 200, 1_000_000),
    "one of 25 MB": Load(1, 4, 25_000_000),
    "4 KB to 50": Load(4, 80, 4096, recipients=50),
    "4 KB, STARTTLS": Load(20, 400, 4096, starttls=True),
    "LMTP, 4 KB on 20": Load(20, 2000, 4096, lmtp=True),
    "LMTP, 4 KB to 50": Load(4, 80, 4096, recipients=50, lmtp=True),
}
HALF_MESSAGES = 2000
ROUNDS = 3
Sample = tuple[float, float, float, float, float]
"""Messages a second, CPU seconds a message, longest NOOP in seconds; p50 and p99 of the seconds
from the final dot of a message to its reply."""


def measure(server: Server, load: Load) -> Sample:
    """Run a load once."""
    before, cpu = server.stored(), cpu_seconds(server.pid)
    heartbeat = Heartbeat(server.port) if load.connections == 1 else None
    if heartbeat is not None:
        heartbeat.start()
    began = time.perf_counter()
    waits = sorted(
        drive(server.lmtp_port if load.lmtp else server.port, load, server.mailboxes)
    ) or [0.0]
    wanted = before + load.messages * load.recipients
    while server.stored() < wanted:
        if time.perf_counter() - began > 300:
            raise TimeoutError(f"{server.name} has not delivered everything")
        time.sleep(0.01)
    seconds = time.perf_counter() - began
    longest = heartbeat.stop() if heartbeat is not None else 0.0
    used = cpu_seconds(server.pid) - cpu
    p50, p99 = (waits[int(part * (len(waits) - 1))] for part in (0.5, 0.99))
    return load.messages / seconds, used / load.messages, longest, p50, p99


def compare(running: list[Server], load: Load, rounds: int) -> dict[str, Sample]:
    """Run a load on all servers in turn; return the medians."""
    running = [server for server in running if (server.lmtp_port if load.lmtp else server.port)]
    samples: dict[str, list[Sample]] = {server.name: [] for server in running}
    for _ in range(rounds):
        for server in running:
            samples[server.name].append(measure(server, load))
    return {
        name: tuple(statistics.median(column) for column in zip(*taken, strict=True))  # type: ignore[misc]
        for name, taken in samples.items()
    }


def show(scenario: str, load: Load, found: dict[str, Sample]) -> None:
    """Print a scenario, and the gateway's ratios to the others."""
    ours = found.get("pop3gw")
    for name, (rate, cpu, longest, p50, p99) in found.items():
        if load.octets >= 10_000_000:
            speed = f"{rate * load.octets / 1e6:8.0f} MB/s"
        else:
            speed = f"{rate * load.recipients:8.0f} /s  "
        line = f"{scenario:18} {name:8} {speed} {cpu * 1000:9.2f} ms CPU"
        if p99:
            line += f"  250 after {p50 * 1000:.1f}, p99 {p99 * 1000:.1f} ms"
        if longest:
            line += f"  longest NOOP {longest * 1000:.1f} ms"
        if ours is not None and name != "pop3gw":
            line += f"   pop3gw: {ours[0] / rate:.2f} x, {ours[1] / cpu:.2f} of its CPU"
        print(line, flush=True)


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
        for scenario, load in SCENARIOS.items():
            if options.only in (None, scenario):
                rounds = ROUNDS
                if options.quick:
                    rounds, load = 1, _tenth(load)
                show(scenario, load, compare(running, load, rounds))


def _tenth(load: Load) -> Load:
    messages = max(load.connections, load.messages // 10)
    return replace(load, messages=messages)


if __name__ == "__main__":
    main(sys.argv[1:])
