"""One session at a time on a foreign mailbox, whose interface knows of no lock."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Any
from weakref import WeakKeyDictionary

from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.error import TimeoutError as WaitedEnough
from twisted.internet.interfaces import IReactorTime

from gateway.client import Client
from gateway.store.interfaces import MaildropInUse

WAIT_SECONDS = 10.0
"""How long a login waits for a mailbox that is in use."""


class _Hold:
    """A mailbox that a session has."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.since = time.time()
        self.waiting: list[Deferred[None]] = []


class ForeignLocks:
    """The foreign mailboxes that sessions of one portal have.

    A mailbox is known by the name that its user logged in with, and by the avatar itself, for a
    realm that gives the same object each time. A realm that knows better (several names of one
    user, several processes) raises `MaildropInUse` itself.
    """

    def __init__(self) -> None:
        self._holds: dict[object, _Hold] = {}

    @inlineCallbacks
    def acquire(
        self, avatar: Any, client: Client, clock: IReactorTime
    ) -> Generator[Deferred[Any], Any, Callable[[], None]]:
        """Take a mailbox for a session, waiting for another to end if need be.

        @return: a Deferred of a function that gives it back; fails with `MaildropInUse`.
        """
        keys = (client.user, id(avatar))
        deadline = clock.seconds() + WAIT_SECONDS
        while (hold := self._holder(keys)) is not None:
            seconds = deadline - clock.seconds()
            if seconds <= 0:
                raise MaildropInUse(client.user or "", hold.host, hold.since)
            released: Deferred[None] = Deferred()
            hold.waiting.append(released)
            yield released.addTimeout(seconds, clock, _waited).addErrback(_ignore)
        mine = _Hold(client.host)
        self._holds.update(dict.fromkeys(keys, mine))
        return lambda: self._release(keys, mine)

    def _holder(self, keys: tuple[object, ...]) -> _Hold | None:
        return next((self._holds[key] for key in keys if key in self._holds), None)

    def _release(self, keys: tuple[object, ...], mine: _Hold) -> None:
        for key in keys:
            if self._holds.get(key) is mine:
                del self._holds[key]
        waiting, mine.waiting = mine.waiting, []
        for released in waiting:
            if not released.called:
                released.callback(None)


def _waited(_result: object, _seconds: float) -> None:
    raise WaitedEnough


def _ignore(_failure: object) -> None:
    """Whether the mailbox is free is looked at anew in any case."""


_LOCKS: WeakKeyDictionary[Portal, ForeignLocks] = WeakKeyDictionary()


def locks_of(portal: Portal) -> ForeignLocks:
    """Return the locks that all listeners of a portal share."""
    return _LOCKS.setdefault(portal, ForeignLocks())
