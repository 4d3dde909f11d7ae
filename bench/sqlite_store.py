"""What the SQLite store costs, beside the Maildir store and a bare floor in the same run.

Run: python bench/sqlite_store.py

Prints messages a second and CPU a message for storing 4 KB, 26 KB and 1 MB, by 20 (10) at a time
and by one, and to 50 recipients, and how long 99 of 100 commits took at most; the time to list
100,000 messages for the first time; the cost of RETR and DELE; and the same storing with many
messages of others in the store. The floor is SQLite itself in one thread: one table, one commit for
20 messages.
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults, inlineCallbacks, maybeDeferred
from twisted.internet.task import react
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from gateway.client import Client
from gateway.store.interfaces import MessageAttributes
from gateway.store.maildir import MaildirStore
from gateway.store.sqlite import SQLiteStore
from gateway.store.sqlite.batch import BatchWriter
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.jobs import Delivery
from gateway.store.sqlite.layout import Layout

LINE = b"All work and no play makes Jack a dull boy.\r\n"
InThread = Callable[..., Deferred[Any]]
Cost = tuple[float, float, float]
"""Messages a second, CPU seconds a message, seconds that 99 of 100 commits took at most (0.0: not
measured)."""


def message(octets: int) -> bytes:
    """Make a message of about this size."""
    return b"Subject: benchmark\r\n\r\n" + LINE * (octets // len(LINE))


def open_stores(root: Path, in_thread: InThread) -> dict[str, Any]:
    """Open one store of each kind."""
    stores = {
        "maildir": MaildirStore(
            root / "mail", root / "spool", in_thread=in_thread, reactor=reactor
        ),
        "sqlite": SQLiteStore(root / "sqlite", in_thread=in_thread, reactor=reactor),
    }
    for store in stores.values():
        store.start()
    return stores


def floor(folder: Path, octets: int, together: int, messages: int) -> Cost:
    """Measure SQLite with nothing around it."""
    connection = sqlite3.connect(folder / f"floor-{octets}.sqlite", isolation_level=None)
    connection.execute("PRAGMA page_size = 8192")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS m (n INTEGER PRIMARY KEY, c BLOB)")
    content = message(octets)
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(messages // together):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO m (c) VALUES (?)", [(content,)] * together)
        connection.execute("COMMIT")
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    connection.close()
    return messages / seconds, cpu / messages, 0.0


@inlineCallbacks
def storing(
    store: Any, octets: int, parallel: int, messages: int, recipients: int = 1
) -> Generator[Any, Any, Cost]:
    """Store messages, `parallel` at a time."""
    left = iter(range(messages))
    content = message(octets)
    waits: list[float] = []

    @inlineCallbacks
    def worker(number: int) -> Generator[Any, Any, None]:
        mailboxes = [f"m{number * recipients + n}@example.com" for n in range(recipients)]
        for _ in left:
            writer = store.begin_delivery(MessageAttributes())
            for at in range(0, len(content), 65_536):
                yield writer.write(content[at : at + 65_536])
            handed_in = time.perf_counter()
            yield writer.commit(mailboxes)
            waits.append(time.perf_counter() - handed_in)

    began, cpu = time.perf_counter(), time.process_time()
    yield gatherResults([worker(number) for number in range(parallel)])
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return messages / seconds, cpu / messages, sorted(waits)[len(waits) * 99 // 100]


def show(name: str, costs: dict[str, Cost]) -> None:
    """Print one scenario."""
    for kind, (rate, cpu, slow) in costs.items():
        waited = f"  99 of 100 within {slow * 1000:.1f} ms" if slow else ""
        print(f"{name:28} {kind:8} {rate:8.0f}/s {cpu * 1000:8.3f} ms CPU{waited}")
    if {"maildir", "sqlite"} <= costs.keys():
        maildir, ours = costs["maildir"], costs["sqlite"]
        print(
            f"{'':28} sqlite to maildir: {ours[0] / maildir[0]:.1f} x rate, "
            f"{ours[1] / maildir[1]:.2f} of its CPU"
        )


@inlineCallbacks
def compare_storing(
    folder: Path, stores: dict[str, Any], scale: float
) -> Generator[Any, Any, None]:
    """Measure every size."""
    for name, octets, parallel, messages, recipients in (
        ("4 KB, 20 at a time", 4096, 20, 4000, 1),
        ("4 KB, one at a time", 4096, 1, 600, 1),
        ("4 KB to 50, 20 at a time", 4096, 20, 200, 50),
        ("26 KB, 20 at a time", 26_000, 20, 2000, 1),
        ("1 MB, 10 at a time", 1_000_000, 10, 200, 1),
    ):
        count = max(int(messages * scale), parallel)
        costs = {"floor": floor(folder, octets, parallel, count)} if recipients == 1 else {}
        for kind, store in stores.items():
            yield storing(store, octets, parallel, parallel, recipients)
            costs[kind] = yield storing(store, octets, parallel, count, recipients)
        show(name, costs)


@inlineCallbacks
def fetching(store: Any, messages: int) -> Generator[Any, Any, tuple[Cost, Cost]]:
    """Read messages of 4 KB, then delete them in one go."""
    for start in range(0, messages, 100):
        yield gatherResults(
            [
                _deliver(store, "reader@example.com")
                for _ in range(start, min(start + 100, messages))
            ]
        )
    maildrop = yield store.open_maildrop("reader@example.com", Client("pop3", "192.0.2.7"))
    began, cpu = time.perf_counter(), time.process_time()
    for index in range(messages):
        reader = yield maybeDeferred(maildrop.open_message, index)
        while (yield maybeDeferred(reader.read)):
            pass
        reader.close()
    read = messages / (time.perf_counter() - began), (time.process_time() - cpu) / messages, 0.0
    began, cpu = time.perf_counter(), time.process_time()
    yield maildrop.commit(range(messages))
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    deleted = messages / seconds, cpu / messages, 0.0
    maildrop.release()
    return read, deleted


def _deliver(store: Any, mailbox: str) -> Deferred[Any]:
    writer = store.begin_delivery(MessageAttributes())
    writer.write(message(4096))
    result: Deferred[Any] = writer.commit((mailbox,))
    return result


def fill(folder: Path, messages: int, octets: int, mailboxes: int) -> None:
    """Put many messages into a SQLite store, as fast as its own writer can."""
    database = Database(Layout(folder))
    writer = BatchWriter(database)
    content = message(octets)
    for start in range(0, messages, 250):
        jobs = [
            Delivery((f"other{n % mailboxes}@example.org",), MessageAttributes(), content)
            for n in range(start, min(start + 250, messages))
        ]
        writer.write(jobs)
        if not start % 25_000:
            with database.connection() as connection:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    database.close()


@inlineCallbacks
def listing(folder: Path, in_thread: InThread, messages: int) -> Generator[Any, Any, None]:
    """Time a first and a second look at a large mailbox."""
    fill(folder, messages, 100, 1)
    store = SQLiteStore(folder, in_thread=in_thread, reactor=reactor)
    store.start()
    for name in ("first", "again"):
        began, cpu = time.perf_counter(), time.process_time()
        maildrop = yield store.open_maildrop("other0@example.org", Client("pop3", "192.0.2.7"))
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        print(f"listing {messages}, {name}: {seconds * 1000:.1f} ms, {cpu * 1000:.1f} ms CPU")
        maildrop.release()
    yield store.stop()


@inlineCallbacks
def crowded(folder: Path, in_thread: InThread, messages: int) -> Generator[Any, Any, None]:
    """Measure with many messages of others in the store, beside an empty one."""
    if not (folder / "full").exists():
        fill(folder / "full", messages, 1000, 2000)
    rows: dict[str, dict[str, Cost]] = {}
    for name in ("empty", "full"):
        store = SQLiteStore(folder / name, in_thread=in_thread, reactor=reactor)
        store.start()
        yield storing(store, 1024, 20, 200)
        costs = {"1 KB, 20 at a time": (yield storing(store, 1024, 20, 4000))}
        costs["4 KB, one at a time"] = yield storing(store, 4096, 1, 400)
        costs["4 KB to 50"] = yield storing(store, 4096, 20, 200, 50)
        costs["RETR 4 KB"], costs["DELE 4 KB"] = yield fetching(store, 2000)
        for row, cost in costs.items():
            rows.setdefault(f"{row}, {messages} of others", {})[name] = cost
        yield store.stop()
    for row, found in rows.items():
        show(row, found)
        print(f"{'':28} CPU, full to empty: {found['full'][1] / found['empty'][1]:.2f}")


@inlineCallbacks
def main(_: Any, arguments: argparse.Namespace, folder: Path) -> Generator[Any, Any, None]:
    pool = ThreadPool(20, 20)
    pool.start()
    in_thread = partial(deferToThreadPool, reactor, pool)
    try:
        stores = open_stores(folder, in_thread)
        yield compare_storing(folder, stores, arguments.scale)
        fetched = {}
        for kind, store in stores.items():
            fetched[kind] = yield fetching(store, int(2000 * arguments.scale))
        show("RETR 4 KB", {kind: costs[0] for kind, costs in fetched.items()})
        show("DELE 4 KB", {kind: costs[1] for kind, costs in fetched.items()})
        yield listing(folder / "listing", in_thread, arguments.messages)
        yield crowded(folder, in_thread, arguments.others)
    finally:
        pool.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of messages")
    parser.add_argument("--messages", type=int, default=100_000, help="in the mailbox listed")
    parser.add_argument("--others", type=int, default=200_000, help="messages of other users")
    parser.add_argument("--full", action="store_true", help="2,000,000 of them")
    parser.add_argument("--folder", type=Path, default=None, help="where, for its file system")
    given = parser.parse_args()
    if given.full:
        given.others = 2_000_000
    react(main, (given, Path(tempfile.mkdtemp(dir=given.folder))))
