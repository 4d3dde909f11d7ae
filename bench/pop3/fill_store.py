"""Fills mailboxes of the embedded store.

Run: python fill_store.py DATA MESSAGES OCTETS ENCODED < USERS
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import gatherResults, inlineCallbacks
from twisted.internet.task import react
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from bench.pop3.mailboxes import Contents
from gateway.events import EventStream
from gateway.store.interfaces import MessageAttributes
from gateway.store.kinds import open_store
from gateway.store.takeover import Takeover

THREADS = 20
PARALLEL = 400
"""Messages under way: those that are ready share a commit."""


@inlineCallbacks
def main(_: Any, data: Path, contents: Contents, users: list[str]) -> Generator[Any, Any, None]:
    """Store the messages, each once for all users."""
    pool = ThreadPool(THREADS, THREADS)
    pool.start()
    store = open_store(
        "sqlite",
        data,
        in_thread=partial(deferToThreadPool, reactor, pool),
        reactor=reactor,
        events=EventStream(),
        takeover=Takeover(),
    )
    store.start()
    numbers = iter(range(contents.messages))

    @inlineCallbacks
    def deliver() -> Generator[Any, Any, None]:
        for number in numbers:
            writer = store.begin_delivery(MessageAttributes())
            writer.write(contents.text(number).replace(b"\n", b"\r\n"))
            yield writer.commit(users)

    try:
        yield gatherResults([deliver() for _ in range(PARALLEL)])
        yield store.stop()
    finally:
        pool.stop()


if __name__ == "__main__":
    messages, octets, encoded = map(int, sys.argv[2:])
    wanted = Contents(messages, octets, encoded=bool(encoded))
    react(main, (Path(sys.argv[1]), wanted, sys.stdin.read().split()))
