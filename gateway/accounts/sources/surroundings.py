"""What a checker of ours is given to work with, and how it says that its source is down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.threads import deferToThreadPool

from gateway.accounts.hashing import HashingPool, InThread
from gateway.accounts.interfaces import DirectoryUnavailable

_AT_ONCE = 5
"""Threads of the pool that one source may keep busy: one that hangs must not hang the others."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Of all checkers of a gateway."""

    reactor: Any
    in_thread: InThread
    hashing: HashingPool

    def bounded(self) -> Callable[..., Deferred[Any]]:
        """Return `in_thread`, with a bound on how much is called at once."""
        return partial(DeferredSemaphore(_AT_ONCE).run, self.in_thread)


def default_surroundings() -> Surroundings:
    """Return those of a program of its own, which uses a checker of ours as a plugin."""
    from twisted.internet import reactor

    used: Any = reactor
    in_thread = partial(deferToThreadPool, used, used.getThreadPool())
    return Surroundings(used, in_thread, HashingPool(in_thread, used.seconds))


def unavailable(what: str, error: Exception) -> DirectoryUnavailable:
    """Return what to raise where a source cannot be asked; its text is for the log.

    @param what: the source, without any secret.
    """
    return DirectoryUnavailable(f"{what} cannot be asked: {type(error).__name__}: {error}")
