"""What a running gateway does to mailboxes by itself: expiry, and the end of what was deleted."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from gateway.client import Client
from gateway.events import EventStream, MessagesExpired, Trouble
from gateway.store.interfaces import IKeepingAdministration, IKeepingMaildrop, MaildropInUse

FIRST_SECONDS = 2.0
EVERY_SECONDS = 3600.0
PORTION = 500
"""How many messages are removed before others have their turn."""
_DAY = 86_400


class Care(NamedTuple):
    """What is to be done for one mailbox."""

    mailbox: str
    expire_days: int
    """0: nothing expires."""
    kept_until: Callable[[float], float | None]
    """Says until when a message is kept that is deleted at a time; None: not at all."""


class Upkeep:
    """Looks after all mailboxes, soon after the start and then every hour.

    A maildrop that is in use waits for the next time. Any number of gateways may do it at once.

    @param store: an `IMailStore`.
    @param administration: the `IStoreAdministration` of the same mail.
    @param mailboxes: returns what is to be done; may block, and is called in a thread.
    @param in_thread: calls a function with arguments off the reactor thread.
    """

    def __init__(
        self,
        store: Any,
        administration: Any,
        mailboxes: Callable[[], Sequence[Care]],
        *,
        in_thread: Callable[..., Deferred[Any]],
        reactor: Any,
        events: EventStream,
    ) -> None:
        self._store = store
        self._administration = IKeepingAdministration(administration, None)
        self._mailboxes = mailboxes
        self._in_thread = in_thread
        self._reactor = reactor
        self._events = events
        self._next: IDelayedCall | None = None
        self._round: Deferred[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Begin, in a moment."""
        self._stopping = False
        self._next = self._reactor.callLater(FIRST_SECONDS, self._begin)

    async def stop(self) -> None:
        """Begin nothing more; wait for what is being done."""
        self._stopping = True
        if self._next is not None:
            self._next.cancel()
            self._next = None
        if self._round is not None:
            await self._round

    def _begin(self) -> None:
        self._next = None
        self._round = Deferred.fromCoroutine(self._go_round())
        self._round.addErrback(self._tell, "the mailboxes")
        self._round.addCallback(self._again)

    def _again(self, _: object) -> None:
        self._round = None
        if not self._stopping:
            self._next = self._reactor.callLater(EVERY_SECONDS, self._begin)

    def _tell(self, failure: Failure, where: str) -> None:
        self._events.emit(Trouble(where, f"expiry and removal wait: {failure.getErrorMessage()}"))

    async def _go_round(self) -> None:
        for care in await self._in_thread(self._mailboxes):
            if self._stopping:
                return
            try:
                await self._look_after(care)
            except MaildropInUse:
                continue
            except Exception:
                self._tell(Failure(), care.mailbox)

    async def _look_after(self, care: Care) -> None:
        while care.expire_days and not self._stopping and await self._expire(care):
            await deferLater(self._reactor, 0)
        removed = PORTION if self._administration is not None else 0
        while removed == PORTION and not self._stopping:
            removed = await self._in_thread(
                self._administration.remove_overdue, care.mailbox, time.time(), PORTION
            )

    async def _expire(self, care: Care) -> bool:
        """Delete some of the messages that are too old; say whether there are more."""
        maildrop: Any = await self._store.open_maildrop(care.mailbox, Client("upkeep", ""))
        try:
            keeping: Any = IKeepingMaildrop(maildrop, None)
            if keeping is None:
                return False
            now = time.time()
            old = await keeping.older_than(now - care.expire_days * _DAY)
            portion = old[:PORTION]
            until = care.kept_until(now)
            left = await (
                maildrop.commit(portion) if until is None else keeping.set_aside(portion, until)
            )
            self._tell_expired(maildrop, [index for index in portion if index not in set(left)])
        finally:
            maildrop.release()
        return len(old) > len(portion) and not left

    def _tell_expired(self, maildrop: Any, gone: list[int]) -> None:
        if gone:
            uidls = tuple(maildrop.snapshot.uidls[index] for index in gone)
            self._events.emit(MessagesExpired(maildrop.mailbox, uidls))
