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
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.pop3 import measure
from bench.pop3.courier import Courier
from bench.pop3.dovecot import Dovecot, FastDovecot
from bench.pop3.mailboxes import Masters
from bench.pop3.our_gateway import MaildirGateway, SQLiteGateway
from bench.pop3.programs import Bare, TwistedMail
from bench.pop3.scenarios import IDLE, IDLE_CONTENTS, SCENARIOS, Scenario, quick
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

    def idle(self) -> Row:
        """Measure the memory of an idle session."""
        row = Row(IDLE, "idle logged-in session (PSS)", "kib_each", "KB")
        for server in self.servers:
            most = server.most_idle // 10 if self.quick else server.most_idle
            users = idle_names(most)
            row.samples[server.name] = [measure.idle(server, users)]
        return row


def can_run(server: Server, scenario: Scenario) -> bool:
    """Say whether a scenario asks of a server only what it does."""
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


def main(arguments: list[str]) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="bench pop3_serving", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, smaller mailboxes")
    keys = [*(scenario.key for scenario in SCENARIOS), IDLE]
    parser.add_argument("--only", action="append", choices=keys, help="these scenarios")
    names = [kind.name for kind in KINDS]
    parser.add_argument("--server", action="append", choices=names, help="only these")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--save", action="store_true", help="write into docs/benchmarks")
    parser.add_argument("--folder", type=Path, default=None, help="where, for its file system")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers end, too
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    scenarios = [s for s in SCENARIOS if options.only is None or s.key in options.only]
    if options.quick:
        scenarios, options.rounds = [quick(scenario) for scenario in scenarios], 1
    with_idle = options.only is None or IDLE in options.only
    kinds = [kind for kind in KINDS if options.server is None or kind.name in options.server]
    versions = {kind.name: kind.version() for kind in kinds}
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=options.folder)))
        users = _users(scenarios, options.rounds, with_idle and (500 if options.quick else 5000))
        running = _start(stack, root, [k for k in kinds if versions[k.name] is not None], users)
        run = Run(running, options.rounds, options.quick)
        rows = []
        if with_idle:  # first, while no server has memory left over from other scenarios
            rows.append(run.idle())
            show(rows[-1])
        for scenario in scenarios:
            rows.append(run.row(scenario))
            show(rows[-1])
    missing = [name for name, version in versions.items() if version is None]
    if missing:
        print(f"\nnot installed here: {', '.join(missing)}; see bench/install-peers")
    if options.save:
        titles = {kind.name: f"{kind.title} {versions[kind.name] or ''}".strip() for kind in kinds}
        for row in rows:
            row.place = keys.index(row.key)
        compared = ("pop3gw", "dovecot-hp", "bare")
        save(Results("pop3", "Serving over POP3", titles, *compared, machine(), rows))


def _users(scenarios: list[Scenario], rounds: int, idle: int) -> list[str]:
    names = ["heartbeat", *idle_names(idle)]
    for scenario in scenarios:
        for number in range(rounds if scenario.fresh else 1):
            names += measure.user_names(scenario, number)
    return names


def _start(
    stack: ExitStack, root: Path, kinds: list[type[Server]], users: list[str]
) -> list[Server]:
    """Start the servers, and let every user log in once."""
    root.chmod(0o755)
    certificate, key = root / "fullchain.pem", root / "privkey.pem"
    authority = LocalCA.open(root / "ca.pem", root / "ca-key.pem")
    authority.ensure_certificate(certificate, key, ("localhost",))
    masters, running = Masters(root / "masters"), []
    for kind in kinds:
        folder = root / kind.name
        folder.mkdir()
        server = kind(Place(folder, users, certificate, key, masters))
        server.start()
        stack.callback(server.stop)
        running.append(server)
    for server in running:
        if isinstance(server, MaildirGateway):
            measure.prove(server, users)
    return running


if __name__ == "__main__":
    main(sys.argv[1:])
