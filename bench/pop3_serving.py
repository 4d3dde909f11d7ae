"""Serving over POP3: the gateway, with both stores, beside other servers and a bare floor.

Run: python -m bench pop3_serving [--quick] [--only SCENARIO]... [--server NAME]... [--save]

Every scenario is run three times, the servers in turn, and the median counts. What is printed is
CPU of the server's whole process tree, ended children included, beside p50 and p99 of a session.
"""

from __future__ import annotations

import argparse
import resource
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.pop3 import measure
from bench.pop3.courier import Courier
from bench.pop3.dovecot import Dovecot, FastDovecot
from bench.pop3.mailboxes import Masters
from bench.pop3.our_gateway import MaildirGateway, SQLiteGateway
from bench.pop3.programs import Bare, TwistedMail
from bench.pop3.scenarios import IDLE, IDLE_CONTENTS, QUICK, SCENARIOS, Scenario, quick
from bench.pop3.servers import Place, Server
from bench.results import Results, Row, machine, save
from gateway.net.local_ca import LocalCA

KINDS: tuple[type[Server], ...] = (
    MaildirGateway,
    SQLiteGateway,
    Dovecot,
    FastDovecot,
    Courier,
    TwistedMail,
    Bare,
)
ROUNDS = 3
MOST_WAITS = 100
"""So many times 40 ms a session may wait for the acknowledgement of an answer."""


@dataclass
class Run:
    """One run of the benchmark."""

    servers: list[Server]
    rounds: int
    quick: bool

    def row(self, scenario: Scenario) -> Row:
        """Measure a scenario."""
        if scenario.per_gigabyte:
            row = Row(scenario.key, scenario.title, "cpu_each", "s/GB")
        else:
            row = Row(scenario.key, scenario.title, "cpu_each", "ms", 1000.0)
        able = [server for server in self.servers if can_run(server, scenario)]
        if not scenario.fresh:
            for server in able:
                server.give(measure.user_names(scenario, 0), scenario.contents)
                measure.warm_up(server, scenario)
        elif scenario.heartbeat:
            for server in able:
                server.give(["heartbeat"], IDLE_CONTENTS)
        for number in range(self.rounds):
            for server in able:
                row.samples.setdefault(server.name, []).append(
                    self._sample(server, scenario, number)
                )
        if scenario.syscalls and not self.quick:
            for server in able:
                calls = measure.system_calls(server, scenario)
                if calls is not None:
                    row.calls[server.name] = calls
        if not scenario.fresh:
            for server in able:
                server.take(measure.user_names(scenario, 0))
        return row

    def _sample(self, server: Server, scenario: Scenario, number: int) -> measure.Sample:
        if not scenario.fresh:
            return measure.measure(server, scenario, number)
        users = measure.user_names(scenario, number)
        server.give(users, scenario.contents)
        try:
            return measure.measure(server, scenario, number)
        finally:
            server.take(users)

    def idle(self, users: list[str]) -> Row:
        """Measure the memory of an idle session, of servers that have done nothing else.

        Nor may they do anything else afterwards: Dovecot keeps its hundreds of processes.
        """
        row = Row(IDLE, "idle logged-in session (PSS)", "kib_each", "KB")
        for server in self.servers:
            sample = measure.idle(server, users[: server.most_idle])
            row.samples[server.name] = [sample]
        return row


def can_run(server: Server, scenario: Scenario) -> bool:
    """Say whether a scenario asks of a server only what it does, and in reasonable time."""
    if server.waits_for_acks and len(scenario.session("")) > MOST_WAITS:
        return False
    return (server.tls or not scenario.tls) and (server.counts_sizes or scenario.contents.sized)


def idle_names(count: int) -> list[str]:
    return [f"idle-{number}" for number in range(count)]


def show(row: Row) -> None:
    """Print a row, and the ratios of the gateway."""
    print(f"\n{row.key}: {row.title}")
    ours = row.median("pop3gw")
    for name in row.samples:
        value = row.median(name) or 0.0
        line = f"  {name:14} {value:9.3f} {row.unit}"
        for shown, factor in (("p50", 1000.0), ("p99", 1000.0), ("noop_p99", 1000.0)):
            if shown in row.samples[name][0]:
                line += f"  {shown} {(row.median(name, shown) or 0.0) * factor:8.2f} ms"
        if "rate" in row.samples[name][0]:
            line += f"  {row.median(name, 'rate'):8.1f}/s"
            client = row.median(name, "client_cpu") or 0.0
            line += f"  client {client / (row.median(name, 'cpu') or 1.0):5.2f} of its CPU"
        if name in row.calls:
            line += f"  {row.calls[name]:.0f} calls"
        if ours and value:
            line += f"  pop3gw: {ours / value:.3f}"
        print(line, flush=True)


KEYS = [*(scenario.key for scenario in SCENARIOS), IDLE]
"""Of all rows, in the order of the table."""


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench pop3_serving", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, smaller mailboxes")
    parser.add_argument("--only", action="append", choices=KEYS, help="these scenarios")
    names = [kind.name for kind in KINDS]
    parser.add_argument("--server", action="append", choices=names, help="only these")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--save", action="store_true", help="write into docs/benchmarks")
    parser.add_argument("--folder", type=Path, default=None, help="where, for its file system")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> None:
    """Run the benchmark."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers end, too
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    scenarios = [s for s in SCENARIOS if options.only is None or s.key in options.only]
    if options.quick:
        scenarios = [quick(s) for s in scenarios if options.only or s.key in QUICK]
        options.rounds = 1
    with_idle = options.only is None or IDLE in options.only
    kinds = [kind for kind in KINDS if options.server is None or kind.name in options.server]
    versions = {kind.name: kind.version() for kind in kinds}
    titles = {kind.name: f"{kind.title} {versions[kind.name] or ''}".strip() for kind in kinds}
    able = [kind for kind in kinds if versions[kind.name] is not None]

    def keep(row: Row) -> None:
        show(row)
        if options.save:
            row.place = KEYS.index(row.key)
            compared = ("pop3gw", "dovecot-hp", "bare")
            save(Results("pop3", "Serving over POP3", titles, *compared, machine(), [row]))

    if with_idle:
        idle = idle_names(100 if options.quick else 5000)
        with _running(able, ["heartbeat", *idle], options) as run:
            keep(run.idle(idle))
    if scenarios:
        with _running(able, _users(scenarios, options.rounds), options) as run:
            for scenario in scenarios:
                keep(run.row(scenario))
    missing = [name for name, version in versions.items() if version is None]
    if missing:
        print(f"\nnot installed here: {', '.join(missing)}; see bench/install-peers")


def _users(scenarios: list[Scenario], rounds: int) -> list[str]:
    names = ["heartbeat"]
    for scenario in scenarios:
        for number in range(rounds if scenario.fresh else 1):
            names += measure.user_names(scenario, number)
    return names


@contextmanager
def _running(
    kinds: list[type[Server]], users: list[str], options: argparse.Namespace
) -> Iterator[Run]:
    """Start the servers, and let every user of the gateway log in once."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=options.folder)))
        root.chmod(0o755)
        certificate, key = root / "fullchain.pem", root / "privkey.pem"
        authority = LocalCA.open(root / "ca.pem", root / "ca-key.pem")
        authority.ensure_certificate(certificate, key, ("localhost",))
        masters, servers = Masters(root / "masters"), []
        for kind in kinds:
            folder = root / kind.name
            folder.mkdir()
            server = kind(Place(folder, users, certificate, key, masters))
            server.start()
            stack.callback(server.stop)
            servers.append(server)
        for server in servers:
            if isinstance(server, MaildirGateway):
                measure.prove(server, users)
        yield Run(servers, options.rounds, options.quick)


if __name__ == "__main__":
    main(sys.argv[1:])
