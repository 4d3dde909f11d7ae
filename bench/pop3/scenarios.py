"""The scenarios: what mailboxes hold, and what clients say. Docs show them in this order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from bench.pop3.load import CLOSED, LINE, LINES, Step
from bench.pop3.mailboxes import Contents
from bench.pop3.servers import DOMAIN, PASSWORD

Script = Callable[[int], list[Step]]
"""What a client says between login and QUIT, given the number of messages."""


@dataclass(frozen=True)
class Scenario:
    """One row of the table."""

    key: str
    title: str
    contents: Contents
    script: Script
    users: int = 1
    """Who log in, each to a mailbox of its own."""
    parallel: int = 1
    """Sessions at a time: fewer than users where sessions follow one another."""
    tls: bool = False
    fresh: bool = False
    """Whether each sample has mailboxes that the server has never seen; else they are warm."""
    seconds: float = 0.0
    """For how long sessions follow one another; 0: each user has one session."""
    per_gigabyte: bool = False
    """Whether CPU is told for a gigabyte, not for a session."""
    heartbeat: bool = False
    """Whether a NOOP is said every 5 ms on another connection meanwhile."""
    syscalls: bool = False
    """Whether the system calls of a session are counted."""

    def session(self, user: str) -> list[Step]:
        """Return all that the client of a user says."""
        login = [Step(f"USER {user}@{DOMAIN}\r\n".encode(), LINE)]
        login.append(Step(f"PASS {PASSWORD}\r\n".encode(), LINE))
        body = self.script(self.contents.messages)
        if body and body[-1].end == CLOSED:
            return login + body
        return [*login, *body, Step(b"QUIT\r\n", CLOSED)]


def stat(_: int) -> list[Step]:
    return [Step(b"STAT\r\n", LINE)]


def poll(_: int) -> list[Step]:
    return [Step(b"STAT\r\n", LINE), Step(b"UIDL\r\n", LINES), Step(b"LIST\r\n", LINES)]


def one_at_a_time(messages: int) -> list[Step]:
    return [Step(b"RETR %d\r\n" % number, LINES) for number in range(1, messages + 1)]


def pipelined(messages: int) -> list[Step]:
    commands = [b"RETR %d\r\n" % number for number in range(1, messages + 1)]
    return [Step(b"".join([*commands, b"QUIT\r\n"]), CLOSED)]


def and_delete(messages: int) -> list[Step]:
    return [
        step
        for number in range(1, messages + 1)
        for step in (Step(b"RETR %d\r\n" % number, LINES), Step(b"DELE %d\r\n" % number, LINE))
    ]


def and_delete_pipelined(messages: int) -> list[Step]:
    commands = [b"RETR %d\r\nDELE %d\r\n" % (n, n) for n in range(1, messages + 1)]
    return [Step(b"".join([*commands, b"QUIT\r\n"]), CLOSED)]


_LOGIN = Scenario(
    "login",
    "login, STAT, QUIT; 50 in parallel, 10 messages",
    Contents(10, 4000),
    stat,
    users=100,
    parallel=50,
    seconds=2.0,
    syscalls=True,
)
_POLL = Scenario("poll-1000", "", Contents(1000, 500), poll, seconds=1.0, syscalls=True)
_FIRST = Scenario("first-poll", "", Contents(100_000, 500), poll, fresh=True, heartbeat=True)
_FETCH = Scenario(
    "fetch", "", Contents(2000, 26_000), one_at_a_time, users=4, fresh=True, per_gigabyte=True
)
_LARGE = replace(_FETCH, key="large", contents=Contents(20, 10_000_000))
_DELETE = Scenario("delete", "", Contents(500, 4000), and_delete, users=50, parallel=50, fresh=True)

SCENARIOS = (
    _LOGIN,
    replace(
        _LOGIN,
        key="login-tls",
        title="the same over a full TLS 1.3 handshake (P-256)",
        tls=True,
    ),
    replace(_POLL, title="poll (STAT, UIDL, LIST) of 1,000 messages, warm"),
    replace(_POLL, key="poll-10000", title="poll of 10,000, warm", contents=Contents(10_000, 500)),
    replace(
        _POLL, key="poll-100000", title="poll of 100,000, warm", contents=Contents(100_000, 500)
    ),
    replace(_FIRST, title="first poll of 100,000 never seen, sizes in the names"),
    replace(
        _FIRST,
        key="first-poll-unsized",
        title="the same without sizes in the names",
        contents=Contents(100_000, 500, sized=False),
    ),
    replace(_FETCH, title="first RETR of 2,000 of 26 KB, one at a time"),
    replace(
        _FETCH,
        key="fetch-pipelined",
        title="first RETR of 2,000 of 26 KB, pipelined",
        script=pipelined,
    ),
    replace(_LARGE, title="RETR of 20 of 10 MB"),
    replace(
        _LARGE,
        key="attachment",
        title="RETR of 20 of 10 MB in base64, as attachments are",
        contents=Contents(20, 10_000_000, encoded=True),
    ),
    replace(_FETCH, key="fetch-tls", title="26 KB one at a time over TLS", tls=True),
    replace(
        _FETCH,
        key="fetch-pipelined-tls",
        title="26 KB pipelined over TLS",
        script=pipelined,
        tls=True,
    ),
    replace(_LARGE, key="large-tls", title="10 MB over TLS", tls=True),
    replace(_DELETE, title="RETR and DELE of 500, 50 users, one at a time"),
    replace(
        _DELETE,
        key="delete-pipelined",
        title="RETR and DELE of 500, 50 users, pipelined",
        script=and_delete_pipelined,
    ),
)

QUICK = frozenset(
    {"login", "login-tls", "poll-1000", "poll-10000", "first-poll", "fetch", "fetch-tls", "delete"}
)
"""What a quick run has time for."""
IDLE = "idle"
IDLE_CONTENTS = Contents(1, 1000)


def quick(scenario: Scenario) -> Scenario:
    """Return a scenario with less to do, where there is much."""
    contents = scenario.contents
    if contents.messages > 10_000:
        contents = replace(contents, messages=10_000)
    elif contents.octets > 1_000_000:
        contents = replace(contents, messages=5)
    elif contents.octets > 10_000:
        contents = replace(contents, messages=500)
    seconds = scenario.seconds and 0.3
    users = min(scenario.users, 10) if scenario.fresh else scenario.users
    parallel = min(users, scenario.parallel)
    title = f"{scenario.title} (quick: {contents.messages:,} messages)"
    return replace(
        scenario, title=title, contents=contents, seconds=seconds, users=users, parallel=parallel
    )
