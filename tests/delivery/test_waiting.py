"""Steps that wait only where they have to."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred, fail, succeed

from gateway.delivery.waiting import Steps, run


def adding(*values: object) -> Steps[int]:
    total = 0
    for value in values:
        total += yield value
    return total


def test_plain_values_need_no_deferred() -> None:
    assert run(adding(1, 2, 3)) == 6


def test_waits_from_the_first_deferred_on() -> None:
    first: Deferred[int] = Deferred()
    result = run(adding(1, first, 3, succeed(4)))
    assert isinstance(result, Deferred)
    assert not result.called
    first.callback(2)
    assert result.result == 10


def test_nothing_yielded() -> None:
    assert run(adding()) == 0


def catching(*values: object) -> Steps[list[str]]:
    caught = []
    for value in values:
        try:
            yield value
        except ValueError as error:
            caught.append(str(error))
    return caught


def test_failures_are_raised_in_the_steps() -> None:
    result = run(catching(1, fail(ValueError("a")), 2, fail(ValueError("b"))))
    assert isinstance(result, Deferred)
    assert result.result == ["a", "b"]


def raising(value: object) -> Steps[None]:
    yield value
    raise KeyError("x")


def test_what_the_steps_raise() -> None:
    with pytest.raises(KeyError):
        run(raising(1))
    failures: list[object] = []
    result = run(raising(succeed(1)))
    assert isinstance(result, Deferred)
    result.addErrback(lambda failure: failures.append(failure.type))
    assert failures == [KeyError]
