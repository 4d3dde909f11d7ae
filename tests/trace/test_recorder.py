"""The recorder: batches, off the reactor, and what happens where the file cannot be written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock

from gateway.client import Client
from gateway.events import Event, EventStream, MessageRetrieved, Trouble
from gateway.trace import recorder as module
from gateway.trace.book import TraceBook
from gateway.trace.recorder import BATCH_ROWS, BATCH_SECONDS, RETRY_SECONDS, TraceRecorder
from tests.trace.test_book import ANNA, stored


class Traced:
    """A recorder whose thread is run by hand."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = Clock()
        self.told: list[Event] = []
        self.calls: list[Callable[[], Any]] = []
        events = EventStream(self.told.append)
        self.recorder = TraceRecorder(path, 36500, self.in_thread, self.clock, events)
        events.subscribe(self.recorder)

    def in_thread(self, function: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        self.calls.append(lambda: maybeDeferred(function, *arguments).chainDeferred(done))
        return done

    def work(self) -> int:
        """Do what was handed to the thread; return how much that was."""
        calls, self.calls = self.calls, []
        for call in calls:
            call()
        return len(calls)

    def written(self) -> int:
        book = TraceBook(self.path)
        found = len(book.messages_of(ANNA, 10**6))
        book.close()
        return found


@pytest.fixture
def traced(tmp_path: Path) -> Traced:
    return Traced(tmp_path / "trace.sqlite")


def test_one_batch_for_many(traced: Traced) -> None:
    for number in range(20):
        traced.recorder(stored(f"m{number}", ANNA))
    assert not traced.calls
    assert not traced.path.exists()
    traced.clock.advance(BATCH_SECONDS)
    assert traced.work() == 1
    assert traced.written() == 20
    traced.clock.advance(60)
    assert not traced.calls
    assert not traced.clock.getDelayedCalls()


def test_what_comes_while_it_writes_waits_for_the_next(traced: Traced) -> None:
    traced.recorder(stored("m1", ANNA))
    traced.clock.advance(BATCH_SECONDS)
    traced.recorder(stored("m2", ANNA))
    traced.clock.advance(BATCH_SECONDS)
    assert traced.work() == 1
    traced.clock.advance(BATCH_SECONDS)
    assert traced.work() == 1
    assert traced.written() == 2


def test_a_full_batch_does_not_wait(traced: Traced) -> None:
    for number in range(BATCH_ROWS // 2):
        traced.recorder(stored(f"m{number}", ANNA))
    assert traced.work() == 1
    assert traced.written() == BATCH_ROWS // 2
    assert not traced.clock.getDelayedCalls()


@pytest.mark.parametrize("writing", [False, True])
def test_stop_writes_the_rest(traced: Traced, writing: bool) -> None:
    traced.recorder(stored("m1", ANNA))
    if writing:
        traced.clock.advance(BATCH_SECONDS)
        traced.recorder(stored("m2", ANNA))
    stopped: list[Any] = []
    traced.recorder.stop().addBoth(stopped.append)
    while traced.work():
        pass
    assert stopped == [None]
    assert traced.written() == (2 if writing else 1)
    assert not traced.clock.getDelayedCalls()


def test_a_file_that_cannot_be_written(traced: Traced, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 10)
    traced.path.mkdir()
    traced.recorder(stored("m0", ANNA))
    traced.clock.advance(BATCH_SECONDS)
    assert traced.work() == 1
    for number in range(1, 8):
        traced.recorder(stored(f"m{number}", ANNA))
    for _ in range(3):
        traced.clock.advance(RETRY_SECONDS)
        assert traced.work() == 1
    assert [type(event) for event in traced.told] == [Trouble]
    assert traced.recorder.dropped == 3
    traced.path.rmdir()
    traced.clock.advance(RETRY_SECONDS)
    assert traced.work() == 1
    assert traced.written() == 5
    traced.recorder(stored("m9", ANNA))
    traced.clock.advance(BATCH_SECONDS)
    assert traced.work() == 1
    assert traced.written() == 6


def test_each_copy_counts_also_when_it_could_not_be_written(
    traced: Traced, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 10)
    traced.path.mkdir()
    traced.recorder(stored("m0", ANNA))
    client = Client("pop3", "192.0.2.9", user=ANNA)
    for _ in range(3):
        for number in range(5):
            traced.recorder(MessageRetrieved(client, ANNA, f"u-m{number}", 80))
        traced.clock.advance(RETRY_SECONDS)
        traced.work()
    assert traced.recorder.dropped == 15 - 8
    traced.path.rmdir()
    traced.clock.advance(RETRY_SECONDS)
    traced.work()
    book = TraceBook(traced.path)
    assert [row.what for row in book.life_of("m0")] == ["mail", "stored", "retrieved", "retrieved"]
    book.close()
