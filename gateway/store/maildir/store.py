"""The mail store that keeps each mailbox in a Maildir."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from gateway.client import Client
from gateway.events import EventStream, Trouble
from gateway.shared.tally import SharedTally
from gateway.store.disk_errors import told_as_store_error
from gateway.store.folders import make_folder
from gateway.store.holds import Hold, MaildropHolds
from gateway.store.in_thread import InThread
from gateway.store.interfaces import (
    IMaildrop,
    IMailStore,
    IMessageWriter,
    MessageAttributes,
    StoredCopy,
    StoreError,
    Usage,
)
from gateway.store.maildir.arriving import ArrivingMessage
from gateway.store.maildir.build import list_mailbox
from gateway.store.maildir.folders import mailbox_folder, make_mailbox
from gateway.store.maildir.listing import Listing, ListingCache
from gateway.store.maildir.maildrop import Maildrop
from gateway.store.maildir.names import NameMaker
from gateway.store.maildir.removals import Removals
from gateway.store.maildir.spool import Spool
from gateway.store.maildir.storers import Storers, StoringProcesses
from gateway.store.maildir.tidy import tidy_tmp
from gateway.store.maildir.usage import UsageBook
from gateway.store.memory import Memory
from gateway.store.takeover import Takeover
from gateway.store.writer import MessageWriter

WAIT_SECONDS = 10.0
"""How long a login waits for a maildrop that is in use."""
CACHED_MESSAGES = 400_000
"""How many messages the listings kept in memory may have together: about 60 to 100 MB."""
MEMORY_OCTETS = 24 * 1024 * 1024
"""How much of all messages on their way in may be held in memory."""

_TIDY_SECONDS = 3600.0
"""How often tmp/ of a mailbox that never changes is looked at."""
_MOST_DISTRUSTED = 10_000


@implementer(IMailStore)
class MaildirStore:
    """See `IMailStore`. `start` comes first.

    @param root: the folder with a folder for each domain.
    @param spool: where messages lie while they arrive, best on the same file system.
    @param in_thread: calls a function with arguments off the reactor thread.
    @param reactor: for waiting.
    @param events: where trouble is told.
    @param host: what the names of message files end with; the name of this machine by default.
    @param takeover: says which sessions have to give up their maildrop to another login.
    @param tally: what the workers of one gateway tell each other; None where there is one process.
    @param storing_processes: store messages when several come at once, or a large one, and remove
        many.
    """

    kind = "maildir"

    def __init__(
        self,
        root: Path,
        spool: Path,
        *,
        in_thread: InThread,
        reactor: IReactorTime,
        events: EventStream | None = None,
        wait_seconds: float = WAIT_SECONDS,
        cached_messages: int = CACHED_MESSAGES,
        memory_octets: int = MEMORY_OCTETS,
        host: str | None = None,
        takeover: Takeover | None = None,
        tally: SharedTally | None = None,
        storing_processes: StoringProcesses | None = None,
    ) -> None:
        self._root = root
        self._spool = Spool(spool)
        self._in_thread = in_thread
        self._events = events if events is not None else EventStream()
        self._names = NameMaker(host)
        self._holds = MaildropHolds(reactor, wait_seconds, takeover)
        self._listings = ListingCache(cached_messages)
        self._memory = Memory(memory_octets)
        self._distrusted: dict[str, set[str]] = {}
        self._removals = Removals(in_thread, storing_processes)
        self._usage = UsageBook(root, in_thread, reactor, tally)
        self._storers = Storers(root, self._spool, self._names, in_thread, storing_processes)

    def start(self) -> None:
        """Make the folders, and remove what a gateway that died has left. Blocks.

        @raise StoreError: a folder cannot be made or written to.
        """
        with told_as_store_error("make the folder", self._root):
            make_folder(self._root)
        self._spool.start()

    def stop(self) -> Deferred[None]:
        """Remove what only a running gateway needs."""
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        await self._storers.stop()
        await self._in_thread(self._spool.stop)

    def open_maildrop(self, mailbox: str, client: Client) -> Deferred[IMaildrop]:
        """See `IMailStore.open_maildrop`."""
        folder = mailbox_folder(self._root, mailbox)
        hold = self._holds.take_free(mailbox, folder, client)
        if hold is not None and client.connected:
            listing = self._listings.get(mailbox)
            if listing is not None and listing.is_current():
                self._tidy(listing, folder)
                return succeed(self._maildrop(hold, listing))
        return Deferred.fromCoroutine(self._open_maildrop(mailbox, folder, client, hold))

    def begin_delivery(self, attributes: MessageAttributes) -> IMessageWriter:
        """See `IMailStore.begin_delivery`."""
        message = ArrivingMessage(self._storers, attributes)
        commit = partial(self._commit, message)
        return MessageWriter(message, commit, self._memory)

    def _commit(
        self, message: ArrivingMessage, blocks: list[bytes], mailboxes: Sequence[str]
    ) -> Deferred[list[StoredCopy]]:
        return message.store(blocks, mailboxes).addCallback(self._usage.add)

    def usage(self, mailbox: str, fresh: bool = False) -> Usage | Deferred[Usage]:
        """See `IMailStore.usage`."""
        return self._usage.usage(mailbox, fresh)

    async def _open_maildrop(
        self, mailbox: str, folder: Path, client: Client, hold: Hold | None
    ) -> IMaildrop:
        if hold is None:
            hold = await self._hold(mailbox, folder, client)
        try:
            listing = await self._list(mailbox, folder)
            if not client.connected:
                raise StoreError("the client went away while its maildrop was opened")
        except BaseException:
            hold.release()
            raise
        return self._maildrop(hold, listing)

    def _maildrop(self, hold: Hold, listing: Listing) -> Maildrop:
        return Maildrop(hold, listing, self._in_thread, self._distrust, self._removals)

    async def _hold(self, mailbox: str, folder: Path, client: Client) -> Hold:
        try:
            return await self._holds.acquire(mailbox, folder, client)
        except FileNotFoundError:
            await self._in_thread(_make_mailbox, folder)
            return await self._holds.acquire(mailbox, folder, client)

    async def _list(self, mailbox: str, folder: Path) -> Listing:
        """Return what the mailbox holds, from memory where nothing has changed."""
        listing = self._listings.get(mailbox)
        if listing is not None and listing.is_current():
            self._tidy(listing, folder)
            return listing
        listing = await self._in_thread(self._read, mailbox, folder, listing)
        self._listings.put(mailbox, listing)
        return listing

    def _tidy(self, listing: Listing, folder: Path) -> None:
        now = time.time()
        if now - listing.tidied_at > _TIDY_SECONDS:
            listing.tidied_at = now
            self._in_thread(tidy_tmp, folder)

    def _read(self, mailbox: str, folder: Path, previous: Listing | None) -> Listing:
        """Read the mailbox anew. Called in a thread."""
        _make_mailbox(folder)
        tidy_tmp(folder)
        distrusted = self._distrusted.get(mailbox, set())
        return list_mailbox(
            folder, self._names, previous=previous, distrusted=distrusted, owned=True
        )

    def _distrust(self, mailbox: str, base: str) -> None:
        """A message has another size than was thought: count it the next time."""
        self._listings.drop(mailbox)
        if len(self._distrusted) >= _MOST_DISTRUSTED:
            self._distrusted.clear()
        self._distrusted.setdefault(mailbox, set()).add(base)
        where = str(mailbox_folder(self._root, mailbox))
        self._events.emit(Trouble(where, f"message {base} has another size than its name says"))


def _make_mailbox(folder: Path) -> None:
    with told_as_store_error("make the mailbox", folder):
        make_mailbox(folder)
