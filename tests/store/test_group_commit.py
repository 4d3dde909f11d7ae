"""Group commit: who waits for whom."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pytest

from gateway.store.group_commit import MOST_JOBS, GroupCommit
from tests.store.conformance import result
from tests.store.threads import Threads


class Worker:
    """Doubles numbers, and notes which it was given together."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.threads = Threads()
        self.commits = GroupCommit(partial(self.threads, self.double))

    def double(self, numbers: Sequence[int]) -> list[int | Exception]:
        self.groups.append(list(numbers))
        if -2 in numbers:
            raise KeyError("all fail")
        return [ValueError(number) if number < 0 else 2 * number for number in numbers]


def test_what_is_ready_goes_together() -> None:
    worker = Worker()
    waiting = [worker.commits.do(number) for number in range(4)]
    assert len(worker.threads.calls) == 1
    worker.threads.run_one()
    assert [each.called for each in waiting] == [True, False, False, False]
    waiting.append(worker.commits.do(4))
    worker.threads.run_all()
    assert worker.groups == [[0], [1, 2, 3], [4]]
    assert [result(each) for each in waiting] == [0, 2, 4, 6, 8]


def test_the_next_group_is_at_work_before_the_last_is_told() -> None:
    worker = Worker()
    at_work: list[int] = []
    worker.commits.do(0).addCallback(lambda _: at_work.append(len(worker.threads.calls)))
    worker.commits.do(1)
    worker.threads.run_one()
    assert at_work == [1]


def test_a_group_is_bounded() -> None:
    worker = Worker()
    for number in range(MOST_JOBS + 6):
        worker.commits.do(number)
    worker.threads.run_all()
    assert [len(group) for group in worker.groups] == [1, MOST_JOBS, 5]


def test_one_that_fails_harms_no_other() -> None:
    worker = Worker()
    waiting = [worker.commits.do(number) for number in (0, 1, -1, 2)]
    worker.threads.run_all()
    with pytest.raises(ValueError, match="-1"):
        result(waiting.pop(2))
    assert [result(each) for each in waiting] == [0, 2, 4]


def test_when_the_whole_group_fails_the_next_goes_on() -> None:
    worker = Worker()
    waiting = [worker.commits.do(number) for number in (0, 1, -2)]
    worker.threads.run_all()
    waiting.append(worker.commits.do(5))
    worker.threads.run_all()
    for failed in waiting[1:3]:
        with pytest.raises(KeyError, match="all fail"):
            result(failed)
    assert result(waiting[3]) == 10
