"""Takes the samples: one server, one scenario, once."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack

from bench import system_calls as system_calls_of
from bench.pop3.heartbeat import Heartbeat
from bench.pop3.load import CLOSED, LINE, Step, client_context, connect, drive
from bench.pop3.scenarios import IDLE_CONTENTS, Scenario
from bench.pop3.servers import DOMAIN, PASSWORD, Server
from bench.processes import cpu_seconds, resident_mib

Sample = dict[str, float]


def user_names(scenario: Scenario, number: int) -> list[str]:
    """Return the users of the sample of this number; a warm scenario always has the same."""
    if not scenario.fresh:
        number = 0
    return [f"{scenario.key}-{number}-{user}" for user in range(scenario.users)]


def measure(server: Server, scenario: Scenario, number: int) -> Sample:
    """Run a scenario once."""
    users = user_names(scenario, number)
    context = client_context() if scenario.tls else None
    port = server.tls_port if scenario.tls else server.port
    with ExitStack() as stack:
        if scenario.heartbeat:
            heartbeat = stack.enter_context(Heartbeat(server.port, "heartbeat"))
        cpu = cpu_seconds(server.pid)
        outcome = drive(port, _scripts(scenario, users), scenario.parallel, context)
        time.sleep(system_calls_of.SETTLE_SECONDS)
        used = cpu_seconds(server.pid) - cpu
    sessions = len(outcome.sessions)
    if outcome.octets < _least_octets(scenario) * sessions:
        raise RuntimeError(f"{server.name} sent too little in {scenario.key}")
    sample = {
        "sessions": sessions,
        "octets": outcome.octets,
        "seconds": outcome.seconds,
        "cpu": used,
        "cpu_each": used / (outcome.octets / 1e9 if scenario.per_gigabyte else sessions),
        "client_cpu": outcome.client_seconds,
        "rate": sessions / outcome.seconds,
        "p50": statistics.median(outcome.sessions),
        "p99": percentile(outcome.sessions, 0.99),
    }
    if scenario.heartbeat:
        sample["noop_p99"] = percentile(heartbeat.answers, 0.99)
    return sample


def _scripts(scenario: Scenario, users: list[str]) -> Iterator[list[Step]]:
    sessions = [scenario.session(user) for user in users]
    yield from sessions
    end = time.perf_counter() + scenario.seconds
    while scenario.seconds:
        for session in sessions:
            if time.perf_counter() > end:
                return
            yield session


def _least_octets(scenario: Scenario) -> int:
    contents = scenario.contents
    session = scenario.session("")
    if any(b"RETR" in step.say for step in session):
        return contents.messages * contents.canonical
    return contents.messages * 2 if any(b"LIST" in step.say for step in session) else 1


def percentile(values: list[float], part: float) -> float:
    """Return the value that this part of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def warm_up(server: Server, scenario: Scenario) -> None:
    """Let every user of a warm scenario log in once, and the server see the mailboxes."""
    users = user_names(scenario, 0)
    drive(server.port, iter([scenario.session(user) for user in users]), min(10, len(users)))


def prove(server: Server, users: list[str]) -> None:
    """Log in each user once, so that every password is proven."""
    script = [Step(b"QUIT\r\n", CLOSED)]
    scripts = iter([[*_login(user), *script] for user in users])
    drive(server.port, scripts, min(10, len(users)))


def _login(user: str) -> list[Step]:
    return [
        Step(f"USER {user}@{DOMAIN}\r\n".encode(), LINE),
        Step(f"PASS {PASSWORD}\r\n".encode(), LINE),
    ]


def system_calls(server: Server, scenario: Scenario) -> float | None:
    """Count the system calls of a session; None where there is no strace, or it takes too long."""
    users = user_names(scenario, 0)
    # Some servers make several for each message, and strace makes each slow.
    sessions = max(1, min(20, 100_000 // scenario.contents.messages))
    context = client_context() if scenario.tls else None
    port = server.tls_port if scenario.tls else server.port

    def work() -> None:
        scripts = iter([scenario.session(users[n % len(users)]) for n in range(sessions)])
        drive(port, scripts, 1, context)

    try:
        calls = system_calls_of.count(server.pid, server.place.folder / "strace.txt", work)
    except TimeoutError:
        return None
    return calls and calls / sessions


def idle(server: Server, users: list[str]) -> Sample:
    """Hold one logged-in session of each user, and see what they take."""
    server.give(users, IDLE_CONTENTS)
    before = resident_mib(server.pid)
    with ExitStack() as stack:
        for user in users:
            connection = stack.enter_context(connect(server.port, None))
            connection.settimeout(60)
            connection.recv(1000)
            for step in _login(user):
                connection.sendall(step.say)
                if not connection.recv(1000).startswith(b"+OK"):
                    raise RuntimeError(f"{server.name} does not let {user} in")
        time.sleep(2)
        mib = resident_mib(server.pid) - before
    server.take(users)
    return {"sessions": len(users), "kib_each": mib * 1024 / len(users)}
