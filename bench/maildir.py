"""What the Maildir store costs, beside a bare floor in the same run. Run: python bench/maildir.py

Prints, for messages of 4 KB stored by 20 at a time, messages a second and CPU a message of the
store, and of the bare system calls (write, fsync, rename, fsync of the folder) in the same
threads; for 50 recipients, the same a copy; then the time to list 100,000 messages.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults, inlineCallbacks
from twisted.internet.task import react
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from gateway.store.interfaces import MessageAttributes
from gateway.store.maildir import MaildirStore
from gateway.store.maildir.build import list_mailbox
from gateway.store.maildir.names import NameMaker

PARALLEL = 20
MAILBOXES = 20
MESSAGE = (b"Subject: benchmark\r\n\r\n" + b"All work and no play makes Jack a dull boy.\r\n" * 91)[
    :4096
]

InThread = Callable[..., Deferred[Any]]


class Bare:
    """The least that storing a message durably takes."""

    def __init__(self, root: Path, in_thread: InThread) -> None:
        self._root = root
        self._in_thread = in_thread
        self._number = 0
        for number in range(MAILBOXES):
            (root / f"m{number}" / "new").mkdir(parents=True)

    def deliver(self, number: int) -> Deferred[Any]:
        self._number += 1
        return self._in_thread(self._store, number, self._number)

    def _store(self, mailbox: int, number: int) -> None:
        folder = f"{self._root}/m{mailbox}"
        descriptor = os.open(f"{folder}/{number}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(descriptor, MESSAGE)
        os.fsync(descriptor)
        os.close(descriptor)
        Path(f"{folder}/{number}").rename(f"{folder}/new/{number}")
        descriptor = os.open(f"{folder}/new", os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(descriptor)
        os.close(descriptor)


class Stored:
    """The Maildir store."""

    def __init__(self, root: Path, in_thread: InThread, recipients: int = 1) -> None:
        self._store = MaildirStore(
            root / "mail", root / "spool", in_thread=in_thread, reactor=reactor
        )
        self._store.start()
        self._recipients = recipients

    def deliver(self, number: int) -> Deferred[Any]:
        writer = self._store.begin_delivery(MessageAttributes())
        writer.write(MESSAGE)
        first = number * self._recipients
        mailboxes = [f"m{first + n}@example.com" for n in range(self._recipients)]
        return writer.commit(mailboxes)


@inlineCallbacks
def run(
    deliver: Callable[[int], Deferred[Any]], messages: int
) -> Generator[Any, Any, tuple[float, float]]:
    """Store messages, `PARALLEL` at a time. Return messages a second, and CPU seconds a message."""
    left = iter(range(messages))

    @inlineCallbacks
    def worker(mailbox: int) -> Generator[Any, Any, None]:
        for _ in left:
            yield deliver(mailbox)

    began, cpu = time.perf_counter(), time.process_time()
    yield gatherResults([worker(number) for number in range(PARALLEL)])
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return messages / seconds, cpu / messages


@inlineCallbacks
def storing(folder: Path, in_thread: InThread, rounds: int) -> Generator[Any, Any, None]:
    """Compare storing with the floor, alternating."""
    bare = Bare(folder / "bare", in_thread)
    one = Stored(folder / "one", in_thread)
    many = Stored(folder / "many", in_thread, recipients=50)
    samples: dict[str, list[tuple[float, float]]] = {"bare": [], "store": [], "store x 50": []}
    yield run(one.deliver, 40)
    yield run(many.deliver, 40)
    for _ in range(rounds):
        samples["bare"].append((yield run(bare.deliver, 1000)))
        samples["store"].append((yield run(one.deliver, 1000)))
        samples["store x 50"].append((yield run(many.deliver, 40)))
    medians = {
        name: [statistics.median(column) for column in zip(*values, strict=True)]
        for name, values in samples.items()
    }
    for name, (rate, cpu) in medians.items():
        print(f"{name:12} {rate:6.0f} messages/s {cpu * 1000:7.3f} ms CPU a message")
    print(f"CPU, store to bare:                {medians['store'][1] / medians['bare'][1]:.2f}")
    print(f"rate, store to bare:               {medians['store'][0] / medians['bare'][0]:.2f}")
    a_copy = medians["store x 50"][1] / 50
    print(f"CPU, copy of 50 to bare message:   {a_copy / medians['bare'][1]:.2f}")


def listing(folder: Path, messages: int) -> None:
    """Time a first and a second look at a mailbox, beside the bare system calls."""
    names = NameMaker()
    for name in ("new", "cur", "tmp"):
        (folder / name).mkdir(parents=True)
    for _ in range(messages):
        (folder / "new" / names.make(100, 103)).write_bytes(b"x" * 100)
    began = time.process_time()
    with os.scandir(folder / "new") as entries:
        for entry in entries:
            entry.stat(follow_symlinks=False)
    bare = time.process_time() - began
    began = time.process_time()
    first = list_mailbox(folder, names, owned=True)
    cpu = time.process_time() - began
    began = time.process_time()
    list_mailbox(folder, names, previous=first, owned=True)
    again = time.process_time() - began
    print(f"listing {messages}: bare {bare * 1000:.0f} ms, first {cpu * 1000:.0f} ms", end="")
    print(f" ({cpu / bare:.1f} x bare), again {again * 1000:.0f} ms ({again / bare:.1f} x)")


@inlineCallbacks
def main(_: Any, arguments: argparse.Namespace, folder: Path) -> Generator[Any, Any, None]:
    pool = ThreadPool(PARALLEL, PARALLEL)
    pool.start()
    try:
        yield storing(folder, partial(deferToThreadPool, reactor, pool), arguments.rounds)
        listing(folder / "listing", arguments.messages)
    finally:
        pool.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=None, help="where, for its file system")
    given = parser.parse_args()
    react(main, (given, Path(tempfile.mkdtemp(dir=given.folder))))
