"""A message on its way in: small ones wait in memory, larger ones go to the spool meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure
from zope.interface import implementer

from gateway.store.interfaces import IMessageWriter, StoredCopy
from gateway.store.memory import Memory

IN_MEMORY = 65_536
"""How many octets of a message are held before they are written to the spool."""


class Incoming(Protocol):
    """What takes the octets, one thing at a time, and blocks nobody."""

    def add(self, blocks: Sequence[bytes]) -> Deferred[None]:
        """Have the next octets written to the spool. Fails with `StoreError`."""

    def discard(self) -> None:
        """Give up what was spooled. Never raises."""


@implementer(IMessageWriter)
class MessageWriter:
    """See `IMessageWriter`.

    @param commit: called with the last octets and the mailboxes; stores the message durably.
    """

    def __init__(
        self,
        message: Incoming,
        commit: Callable[[list[bytes], Sequence[str]], Deferred[list[StoredCopy]]],
        memory: Memory,
    ) -> None:
        self.octets = 0
        self._message = message
        self._store = commit
        self._memory = memory
        self._blocks: list[bytes] = []
        self._held = 0
        self._spooling: Deferred[None] | None = None
        self._waiting: list[Deferred[None]] = []
        self._failure: Failure | None = None
        self._spooled = False
        self._ended = False
        self._aborted = False

    def write(self, octets: bytes) -> Deferred[None] | None:
        """See `IMessageWriter.write`."""
        if self._failure is not None:
            return fail(self._failure)
        self.octets += len(octets)
        self._blocks.append(octets)
        self._held += len(octets)
        self._memory.hold(len(octets))
        if self._spooling is not None:
            # Until the next blocks are complete, both sides work at the same time.
            return self._when_spooled() if self._is_full else None
        if self._is_full:
            self._spool()
        return None

    @property
    def _is_full(self) -> bool:
        return self._held >= IN_MEMORY or self._memory.is_full

    def commit(self, mailboxes: Sequence[str]) -> Deferred[list[StoredCopy]]:
        """See `IMessageWriter.commit`."""
        self._ended = True
        if self._spooling is not None:
            return self._when_spooled().addBoth(self._commit, mailboxes)
        return self._commit(None, mailboxes)

    def abort(self) -> None:
        """See `IMessageWriter.abort`."""
        if self._ended:
            return
        self._ended = self._aborted = True
        if self._spooling is None:
            self._drop()

    def _commit(self, _: object, mailboxes: Sequence[str]) -> Deferred[list[StoredCopy]]:
        if self._failure is not None:
            self._drop()
            return fail(self._failure)
        return self._hand_over(self._store, mailboxes)

    def _spool(self) -> None:
        """Have what is held written to the spool."""
        self._spooled = True
        self._spooling = self._hand_over(self._message.add)
        self._spooling.addErrback(self._failed).addCallback(self._written)

    def _hand_over(self, take: Callable[..., Deferred[Any]], *arguments: object) -> Deferred[Any]:
        """Call `take` with what is held, and with other arguments."""
        blocks, self._blocks = self._blocks, []
        held, self._held = self._held, 0
        return take(blocks, *arguments).addBoth(self._forget, held)

    def _forget(self, result: Any, octets: int) -> Any:
        self._memory.release(octets)
        return result

    def _failed(self, failure: Failure) -> None:
        self._failure = failure

    def _written(self, _: None) -> None:
        """The spool has taken what it was given, or has failed to."""
        self._spooling = None
        waiting, self._waiting = self._waiting, []
        if self._aborted:
            self._drop()
        elif self._is_full and not self._ended and self._failure is None:
            self._spool()
        for deferred in waiting:
            if self._failure is None:
                deferred.callback(None)
            else:
                deferred.errback(self._failure)

    def _when_spooled(self) -> Deferred[None]:
        """Return a Deferred that fires when nothing is being written to the spool."""
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        return waiting

    def _drop(self) -> None:
        """Let go of all that was written."""
        self._memory.release(self._held)
        self._blocks, self._held = [], 0
        if self._spooled:
            self._message.discard()
