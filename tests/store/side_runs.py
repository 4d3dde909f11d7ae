"""Runs with a reactor, each in a process of its own: `python -m tests.store.side_runs NAME FOLDER`.

Each prints what it has found as JSON.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater, react
from twisted.internet.threads import deferToThread

from gateway.client import Client
from gateway.events import EventStream
from gateway.store.interfaces import MessageAttributes, StoreError
from gateway.store.maildir import MaildirStore
from gateway.store.maildir.removals import MANY
from gateway.store.maildir.storers import storing_processes
from gateway.store.side_process import RunningCode, Side, SideProcess

TOLD: list[Any] = []
EVENTS = EventStream(TOLD.append)
CODE = RunningCode(EVENTS)


async def ready(process: SideProcess) -> Side:
    """Start a process and wait until it takes calls."""
    process.start()
    for _ in range(500):
        if process.side is not None:
            return process.side
        await deferLater(reactor, 0.02)
    raise TimeoutError


def echo(*arguments: str) -> SideProcess:
    return SideProcess(reactor, "tests.store.side_echo", arguments, EVENTS, CODE)


async def failure_of(deferred: Deferred[Any]) -> str:
    try:
        await deferred
    except StoreError as error:
        return f"{type(error).__name__}: {error}"
    return "none"


async def answers(_: Path) -> Any:
    process = echo()
    side = await ready(process)
    order: list[Any] = []
    jobs = ["later", "first", b"x" * 3_000_000, "print"]
    calls = [
        side.call(job).addCallback(lambda got, job=job: order.append(got == job)) for job in jobs
    ]
    calls.append(side.call("later").addCallback(lambda _: order.append("last")))
    failure = await failure_of(side.call("full"))
    await gatherResults(calls)
    pid = await side.call("pid")
    await process.stop()
    return {
        "order": order,
        "failure": failure,
        "other process": pid != os.getpid(),
        "gone": not Path(f"/proc/{pid}").exists(),
        "after": await failure_of(side.call("x")),
        "told": len(TOLD),
    }


async def killed(_: Path) -> Any:
    process = echo()
    side = await ready(process)
    waiting = [side.call("sleep"), side.call("never read")]
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    failures = [await failure_of(each) for each in waiting]
    process.start()  # too early: nothing happens
    return {"failures": failures, "told": [str(event) for event in TOLD], "pid": process.pid}


async def unable(_: Path) -> Any:
    process = echo()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(path.name) for path in Path("/proc/self/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest, limits[1]))
    process.start()
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    process.start()  # too early: nothing happens
    return {"side": process.side, "pid": process.pid, "told": [str(event) for event in TOLD]}


async def visible(_: Path) -> Any:
    process = echo("an", "argument")
    await ready(process)
    line = Path(f"/proc/{process.pid}/cmdline").read_text().split("\0")[:-1]
    await process.stop()
    return line


async def upgraded(folder: Path) -> Any:
    """Other code is put where ours lies: `folder`."""
    old = echo()
    side = await ready(old)
    with (folder / "gateway" / "store" / "side_work.py").open("a") as file:
        file.write("# of another release\n")
    late = echo()
    for _ in range(2):
        late.start()
    found = {
        "started": late.pid,
        "answer of the old": await side.call("x"),
        "told": [str(event) for event in TOLD],
    }
    await old.stop()
    return found


async def upgraded_meanwhile(_: Path) -> Any:
    process, other = echo("other-code"), echo()
    process.start()
    while process.pid is not None:
        await deferLater(reactor, 0.02)
    for each in (process, other):
        each.start()
    return {"started": [process.pid, other.pid], "told": [str(event) for event in TOLD]}


async def signals(_: Path) -> Any:
    process = echo()
    side = await ready(process)
    assert process.pid is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(process.pid, number)
    await side.call("x")
    late = side.call("later")
    stopped = process.stop()
    got = await late
    await stopped
    process.start()
    return {"got": got, "told": len(TOLD), "pid": process.pid}


async def orphan(_: Path) -> Any:
    process = echo()
    await ready(process)
    print(json.dumps({"pid": process.pid}), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


async def storing(folder: Path) -> Any:
    root, spool = folder / "mail", folder / "spool"
    processes = storing_processes(reactor, root, spool, EVENTS)
    store = MaildirStore(
        root,
        spool,
        in_thread=deferToThread,
        reactor=reactor,  # type: ignore[arg-type]
        events=EVENTS,
        storing_processes=processes,
    )
    store.start()
    (root / "example.org").mkdir()
    (root / "example.org" / "carl").write_bytes(b"a file, where a folder should be")

    def deliver(text: bytes, *mailboxes: str, uidl: str | None = None) -> Deferred[Any]:
        writer = store.begin_delivery(MessageAttributes(uidl=uidl))
        waiting = writer.write(text)
        assert waiting is None
        return writer.commit(mailboxes)

    texts = [b"%d\r\n" % number for number in range(10)]
    texts += [b"large %d\r\n" % number + b"x" * 78 * 1000 + b"\r\n" for number in range(5)]
    await gatherResults([deliver(text, "anna@example.com") for text in texts])
    for process in processes:
        await ready(process)
    await gatherResults([deliver(text, "anna@example.com", "bert@example.com") for text in texts])
    kept = await deliver(b"kept\r\n", "bert@example.com", uidl="a-unique-id")
    failures = [
        await failure_of(deliver(text, "bert@example.com", "carl@example.org"))
        for text in (b"small\r\n", texts[-1])
    ]
    aborted = store.begin_delivery(MessageAttributes())
    for _ in range(3):
        aborted.write(b"y" * 70_000)
    aborted.abort()
    usage = store.usage("bert@example.com")
    usage = await usage if isinstance(usage, Deferred) else usage
    found = {}
    for name in ("anna", "bert"):
        maildrop = await store.open_maildrop(f"{name}@example.com", Client("1", "pop3", "", ""))
        found[name] = list(maildrop.snapshot.sizes)
        maildrop.release()
    names = [path.name for path in (root / "example.com" / "bert" / "new").iterdir()]
    marks = [f"P{process.pid}Q" for process in processes]
    await store.stop()
    return {
        "anna": sorted(found["anna"]) == sorted([len(text) for text in texts] * 2),
        "bert": sorted(found["bert"]) == sorted([*map(len, texts), 6]),
        "small, large": [sum(mark in name for name in names) for mark in marks],
        "kept": [copy.uidl for copy in kept],
        "failures": failures,
        "usage": [usage.messages, usage.octets == sum(map(len, texts)) + 6],
        "told": len(TOLD),
        "spool": sorted(path.name for path in spool.iterdir()),
    }


async def removing(folder: Path) -> Any:
    processes = storing_processes(reactor, folder / "mail", folder / "spool", EVENTS)
    store = MaildirStore(
        folder / "mail",
        folder / "spool",
        in_thread=deferToThread,
        reactor=reactor,  # type: ignore[arg-type]
        events=EVENTS,
        storing_processes=processes,
    )
    store.start()
    for number in range(5 * MANY):
        writer = store.begin_delivery(MessageAttributes())
        writer.write(b"%d\r\n" % number)
        await writer.commit(["anna@example.com"])
    new = folder / "mail" / "example.com" / "anna" / "new"

    async def take(count: int, until: float | None = None, kill: bool = False) -> list[int]:
        """Take the first messages away; return who was left, and how many files are."""
        maildrop: Any = await store.open_maildrop("anna@example.com", Client("pop3", "192.0.2.1"))
        indexes = range(count)
        if kill:
            os.kill(processes.large.pid or 0, signal.SIGSTOP)
        taken = maildrop.commit(indexes) if until is None else maildrop.set_aside(indexes, until)
        if kill:
            os.kill(processes.large.pid or 0, signal.SIGKILL)
        left = await taken
        maildrop.release()
        return [*left, len(list(new.iterdir()))]

    by_thread = await take(MANY)
    jobs: list[Any] = []
    side = await ready(processes.large)
    call, side.call = side.call, lambda job: jobs.append(job) or call(job)  # type: ignore[method-assign]
    found = {
        "many, by a thread": by_thread,
        "few": await take(MANY - 1),
        "many": await take(MANY),
        "aside": await take(MANY, until=2e9),
        "killed": await take(MANY, kill=True),
        "jobs": [len(job.paths) for job in jobs],
        "kept": len(list(new.parent.glob(".pop3gw.deleted/*/*"))),
        "told": len(TOLD),
    }
    await store.stop()
    return found


_ALL = (
    answers,
    killed,
    unable,
    visible,
    upgraded,
    upgraded_meanwhile,
    signals,
    orphan,
    storing,
    removing,
)
RUNS = {run.__name__: run for run in _ALL}


async def main(_: Any, name: str, folder: str) -> None:
    print(json.dumps(await RUNS[name](Path(folder))))


if __name__ == "__main__":
    react(lambda *values: Deferred.fromCoroutine(main(*values)), sys.argv[1:])
