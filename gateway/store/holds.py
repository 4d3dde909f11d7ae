"""Who holds which maildrop in this process, and who waits for one."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from gateway.client import Client
from gateway.store.interfaces import MaildropInUse, StoreError
from gateway.store.lock import FolderLock
from gateway.store.takeover import Takeover

_POLL_SECONDS = 0.1
"""How often a lock that another process holds is tried again."""


class Hold:
    """A maildrop held by one session of this process."""

    def __init__(
        self, holds: MaildropHolds, mailbox: str, client: Client, since: float, lock: FolderLock
    ) -> None:
        self._holds = holds
        self._lock: FolderLock | None = lock
        self.mailbox = mailbox
        self.client = client
        self.since = since
        """When it began, in seconds since the epoch."""

    def release(self) -> None:
        """Let go. Does nothing the second time."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()
            self._holds.released(self.mailbox)


class _Waiter:
    """A client that waits for a maildrop."""

    def __init__(self, folder: Path, client: Client, leave: Callable[[_Waiter], None]) -> None:
        self.folder = folder
        self.client = client
        self.answer: Deferred[Hold] = Deferred(lambda _: leave(self))
        self.timeout: IDelayedCall | None = None


class MaildropHolds:
    """Gives each maildrop to one session at a time, in the order in which they asked.

    @param reactor: for waiting.
    @param wait_seconds: how long a client waits for a maildrop that is in use.
    @param takeover: says when one need not wait for a session to end by itself.
    """

    def __init__(
        self, reactor: IReactorTime, wait_seconds: float, takeover: Takeover | None = None
    ) -> None:
        self._reactor = reactor
        self._wait_seconds = wait_seconds
        self._held: dict[str, Hold] = {}
        self._takeover = takeover if takeover is not None else Takeover()
        self._takeover.held = self._held
        self._waiting: dict[str, deque[_Waiter]] = {}
        self._polls: dict[str, IDelayedCall] = {}

    def acquire(self, mailbox: str, folder: Path, client: Client) -> Deferred[Hold]:
        """Take hold of a maildrop for a client; wait for it where it is in use.

        @return: a Deferred. It fails with `FileNotFoundError` if there is no such folder, with
            `MaildropInUse` or `StoreError`; with that also if the client went away meanwhile.
        """
        try:
            if mailbox in self._waiting:
                raise self._in_use(mailbox)
            return succeed(self._take(mailbox, folder, client))
        except MaildropInUse as error:
            if self._wait_seconds <= 0:
                return fail(error)
            self._takeover.try_for(error, client)
            return self._wait(mailbox, folder, client)
        except Exception:
            return fail()

    def take_free(self, mailbox: str, folder: Path, client: Client) -> Hold | None:
        """Take hold of a maildrop that is free, as it mostly is; None wherever `acquire` has to
        say what is in the way."""
        if mailbox in self._waiting or mailbox in self._held:
            return None
        try:
            return self._take(mailbox, folder, client)
        except (StoreError, FileNotFoundError):
            return None

    def released(self, mailbox: str) -> None:
        """A maildrop is free again. For `Hold`."""
        del self._held[mailbox]
        if mailbox in self._waiting:
            self._poll(mailbox, 0)

    def _take(self, mailbox: str, folder: Path, client: Client) -> Hold:
        if mailbox in self._held:
            raise self._in_use(mailbox)
        since = time.time()
        lock = FolderLock.take(folder, mailbox, client.host, since)
        hold = self._held[mailbox] = Hold(self, mailbox, client, since, lock)
        return hold

    def _in_use(self, mailbox: str) -> MaildropInUse:
        holder = self._held.get(mailbox)
        if holder is None:
            return MaildropInUse(mailbox)
        return MaildropInUse(mailbox, holder.client.host, holder.since)

    def _wait(self, mailbox: str, folder: Path, client: Client) -> Deferred[Hold]:
        waiter = _Waiter(folder, client, partial(self._leave, mailbox))
        waiter.timeout = self._reactor.callLater(self._wait_seconds, self._expire, mailbox, waiter)
        self._waiting.setdefault(mailbox, deque()).append(waiter)
        if mailbox not in self._held:
            self._poll(mailbox, _POLL_SECONDS)
        return waiter.answer

    def _leave(self, mailbox: str, waiter: _Waiter) -> None:
        """Take a waiter out of the queue."""
        if waiter.timeout is not None and waiter.timeout.active():
            waiter.timeout.cancel()
        queue = self._waiting[mailbox]
        queue.remove(waiter)
        if not queue:
            del self._waiting[mailbox]
            poll = self._polls.pop(mailbox, None)
            if poll is not None:
                poll.cancel()

    def _expire(self, mailbox: str, waiter: _Waiter) -> None:
        """The client has waited long enough."""
        self._leave(mailbox, waiter)
        try:
            hold = self._take(mailbox, waiter.folder, waiter.client)
        except Exception:
            waiter.answer.errback()
        else:
            self._hand_over(waiter, hold)

    def _poll(self, mailbox: str, seconds: float) -> None:
        if mailbox not in self._polls:
            self._polls[mailbox] = self._reactor.callLater(seconds, self._serve, mailbox)

    def _serve(self, mailbox: str) -> None:
        """Let the first who waits have the maildrop, if it is free."""
        self._polls.pop(mailbox, None)
        while mailbox in self._waiting and mailbox not in self._held:
            waiter = self._waiting[mailbox][0]
            try:
                hold = self._take(mailbox, waiter.folder, waiter.client)
            except MaildropInUse:
                self._poll(mailbox, _POLL_SECONDS)
                return
            except Exception:
                self._leave(mailbox, waiter)
                waiter.answer.errback()
            else:
                self._leave(mailbox, waiter)
                self._hand_over(waiter, hold)

    @staticmethod
    def _hand_over(waiter: _Waiter, hold: Hold) -> None:
        if waiter.client.connected:
            waiter.answer.callback(hold)
        else:
            hold.release()
            waiter.answer.errback(StoreError("the client went away while it waited"))
