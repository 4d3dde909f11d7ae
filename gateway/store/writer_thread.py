"""A thread that does one thing after another, for the reactor thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure

_Call = tuple[Callable[..., object], tuple[object, ...], Deferred[Any]]


class WriterThread:
    """Runs calls in a thread of its own, in the order in which they were asked for.

    A call costs one hand-over to the thread and one back, and no more: a pool of threads, which
    has to find a thread, and its own locks, costs several times that.

    @param reactor: its thread asks for the calls and is told their results.
    """

    def __init__(self, reactor: IReactorFromThreads) -> None:
        self._reactor = reactor
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def __call__(self, function: Callable[..., object], *arguments: object) -> Deferred[Any]:
        """Call a function in the thread, which starts when it is first needed.

        @return: a Deferred of what it returned, or of what it raised.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="store writer", daemon=True)
            self._thread.start()
        answer: Deferred[Any] = Deferred()
        self._calls.put((function, arguments, answer))
        return answer

    def stop(self) -> None:
        """Let the thread end when all calls so far are done."""
        if self._thread is not None:
            self._thread = None
            self._calls.put(None)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            function, arguments, answer = call
            result: object
            try:
                result = function(*arguments)
            except BaseException:
                result = Failure()
            # A Failure given to `callback` starts the errbacks, as `errback` does.
            self._reactor.callFromThread(answer.callback, result)
            del call, function, arguments, answer, result
