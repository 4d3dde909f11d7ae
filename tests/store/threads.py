"""A thread pool for tests of stores that does nothing before it is told to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred

from gateway.store.interfaces import MessageAttributes, StoredCopy
from tests.store.conformance import Place, result


class Threads:
    """Runs blocking calls when the test says so, in order."""

    def __init__(self) -> None:
        self.calls: list[tuple[Deferred[Any], Callable[..., Any], tuple[Any, ...]]] = []

    def __call__(self, function: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        self.calls.append((done, function, arguments))
        return done

    def run_one(self) -> None:
        """Run the call that waits longest."""
        done, function, arguments = self.calls.pop(0)
        maybeDeferred(function, *arguments).chainDeferred(done)

    def run_all(self) -> None:
        """Run all calls, and those that come of them."""
        while self.calls:
            self.run_one()


def commit_together(
    place: Place, deliveries: Sequence[tuple[bytes, Sequence[str]]]
) -> list[Deferred[list[StoredCopy]]]:
    """Deliver small messages so that all but the first are committed as one group."""
    threads = Threads()
    store = place.another(threads)
    commits = []
    for octets, mailboxes in deliveries:
        writer = store.begin_delivery(MessageAttributes())
        writer.write(octets)
        commits.append(writer.commit(mailboxes))
    threads.run_all()
    return commits


def deliver_together(
    place: Place, deliveries: Sequence[tuple[bytes, Sequence[str]]]
) -> list[list[StoredCopy]]:
    """Store small messages, all but the first as one group."""
    return [result(commit) for commit in commit_together(place, deliveries)]
