"""One thread that does one thing after another."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from gateway.store.writer_thread import WriterThread
from tests.store.conformance import result
from tests.store.turns import PATIENCE_SECONDS, Turns


@pytest.fixture
def turns() -> Turns:
    return Turns()


@pytest.fixture
def thread(turns: Turns) -> Iterator[WriterThread]:
    thread = WriterThread(turns)
    yield thread
    thread.stop()


def test_one_thread_does_all_in_order(thread: WriterThread, turns: Turns) -> None:
    done: list[tuple[int, int]] = []

    def work(number: int) -> int:
        done.append((number, threading.get_ident()))
        return 2 * number

    answers = [thread(work, number) for number in range(3)]
    for _ in answers:
        turns.wait_for_thread()
    assert [result(answer) for answer in answers] == [0, 2, 4]
    assert [number for number, _ in done] == [0, 1, 2]
    assert len({ident for _, ident in done}) == 1
    assert done[0][1] != threading.get_ident()


def test_results_come_on_the_reactor_thread_only(thread: WriterThread, turns: Turns) -> None:
    answer = thread(lambda: "done")
    told: list[int] = []
    answer.addCallback(lambda _: told.append(threading.get_ident()))
    assert not told
    turns.wait_for_thread()
    assert told == [threading.get_ident()]


def test_what_is_raised_fails_one_call_and_no_other(thread: WriterThread, turns: Turns) -> None:
    answers = [thread(int, "one"), thread(int, "1")]
    for _ in answers:
        turns.wait_for_thread()
    with pytest.raises(ValueError, match="'one'"):
        result(answers[0])
    assert result(answers[1]) == 1


def test_it_ends_after_what_was_asked_for(turns: Turns) -> None:
    thread = WriterThread(turns)
    ident = thread(threading.current_thread)
    thread.stop()
    turns.wait_for_thread()
    ended = result(ident)
    ended.join(PATIENCE_SECONDS)
    assert not ended.is_alive()


def test_it_may_be_stopped_before_it_began(turns: Turns) -> None:
    WriterThread(turns).stop()
