"""A reactor for tests of stores, whose turns the test makes."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.task import Clock
from zope.interface import implementer

PATIENCE_SECONDS = 20


@implementer(IReactorFromThreads)
class Turns(Clock):
    """A clock that takes calls from threads."""

    def __init__(self) -> None:
        super().__init__()
        self._from_threads: SimpleQueue[Callable[[], object]] = SimpleQueue()

    def callFromThread(self, callable: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """See `IReactorFromThreads`."""
        self._from_threads.put(lambda: callable(*args, **kwargs))

    def end_turn(self) -> None:
        """Run what was left for the end of this turn of the reactor."""
        self.advance(0)

    def wait_for_thread(self) -> None:
        """Run the next call that a thread asks for."""
        self._from_threads.get(timeout=PATIENCE_SECONDS)()
