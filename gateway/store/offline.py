"""A store used without a reactor, by a command. Blocks: not for a reactor thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from gateway.client import Client
from gateway.store.interfaces import MaildropInUse
from gateway.store.kinds import open_store


class LateCalls:
    """Stands for threads: calls wait until `run`, so that what a store can do together it does."""

    def __init__(self) -> None:
        self._calls: deque[tuple[Deferred[Any], Callable[[], Any]]] = deque()

    def __call__(self, function: Callable[..., Any], *values: Any, **named: Any) -> Deferred[Any]:
        answer: Deferred[Any] = Deferred()
        self._calls.append((answer, lambda: function(*values, **named)))
        return answer

    def run(self) -> None:
        """Make all calls, and those that they lead to."""
        while self._calls:
            answer, call = self._calls.popleft()
            maybeDeferred(call).chainDeferred(answer)


class OfflineStore:
    """A store of which every call is done when it returns.

    @ivar store: the `IMailStore`, for use with `wait`.
    """

    def __init__(self, store: Any, calls: LateCalls) -> None:
        self.store = store
        self._calls = calls

    @contextmanager
    def maildrop(self, mailbox: str) -> Iterator[OfflineMaildrop]:
        """Hold a maildrop for the block. Raises `MaildropInUse` or `StoreError`."""
        answer = self.store.open_maildrop(mailbox, Client("command", ""))
        self._calls.run()
        held = OfflineMaildrop(self, result(answer, mailbox))
        try:
            yield held
        finally:
            held.maildrop.release()

    def wait(self, answer: Any) -> Any:
        """Return what a Deferred gives, or a plain value."""
        if isinstance(answer, Deferred):
            self._calls.run()
            return result(answer)
        return answer


class OfflineMaildrop:
    """A maildrop that is held."""

    def __init__(self, store: OfflineStore, maildrop: Any) -> None:
        self._store = store
        self.maildrop = maildrop
        """The `IMaildrop`."""

    def blocks(self, index: int) -> Iterator[bytes]:
        """Read a message. Raises `StoreError`."""
        reader = self._store.wait(self.maildrop.open_message(index))
        try:
            while block := self._store.wait(reader.read()):
                yield block
        finally:
            reader.close()

    def remove(self, indexes: list[int]) -> None:
        """Delete messages, durably. Raises `StoreError`."""
        self._store.wait(self.maildrop.commit(indexes))


@contextmanager
def offline_store(kind: str, data_root: Path) -> Iterator[OfflineStore]:
    """Open a store of a data folder. Raises `StoreError`."""
    calls = LateCalls()
    store: Any = open_store(kind, data_root, in_thread=calls, reactor=Clock())
    store.start()
    try:
        yield OfflineStore(store, calls)
    finally:
        store.stop()
        calls.run()


def result(answer: Deferred[Any], mailbox: str = "") -> Any:
    """Return what a Deferred has fired with, raise what it has failed with.

    One that has not fired waits for another holder of the maildrop.
    """
    results: list[Any] = []
    answer.addBoth(results.append)
    if not results:
        answer.addErrback(lambda _: None)
        answer.cancel()
        raise MaildropInUse(mailbox)
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return results[0]
