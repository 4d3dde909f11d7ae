"""Steps that wait only where they have to."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

T = TypeVar("T")

Steps = Generator[Any, Any, T]
"""Yields plain values and Deferreds alike, and is sent the value of each."""


def run(steps: Steps[T]) -> T | Deferred[T]:
    """Run `steps` to their end.

    While plain values are yielded this is a loop of plain calls, and no Deferred is made
    (`inlineCallbacks` makes one each time).

    @return: what the steps return, or a Deferred of it from the first one on that had to wait.
        What they raise is raised, or is how that Deferred fails.
    """
    try:
        wanted = next(steps)
        while not isinstance(wanted, Deferred):
            wanted = steps.send(wanted)
    except StopIteration as done:
        return done.value
    return Deferred.fromCoroutine(_wait(steps, wanted))


async def _wait(steps: Steps[T], wanted: Any) -> T:
    try:
        while True:
            try:
                value = (await wanted) if isinstance(wanted, Deferred) else wanted
            except Exception as error:
                wanted = steps.throw(error)
            else:
                wanted = steps.send(value)
    except StopIteration as done:
        return done.value
