"""The mail store in one SQLite database, with files for large bodies."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from gateway.client import Client
from gateway.events import EventStream, Trouble
from gateway.store.folders import make_folder
from gateway.store.holds import Hold, MaildropHolds
from gateway.store.in_thread import InThread
from gateway.store.interfaces import (
    IBulkStore,
    IMaildrop,
    IMailStore,
    IMessageWriter,
    MessageAttributes,
    StoreError,
    Usage,
)
from gateway.store.memory import Memory
from gateway.store.sqlite.asking import Asking
from gateway.store.sqlite.batch import BatchWriter
from gateway.store.sqlite.bulk import BulkWriter
from gateway.store.sqlite.checkpoints import Checkpoints
from gateway.store.sqlite.committer import Committer
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.errors import told_as_store_error
from gateway.store.sqlite.incoming import IncomingMessage
from gateway.store.sqlite.large import LargeFiles
from gateway.store.sqlite.layout import Layout
from gateway.store.sqlite.listing import Listing, ListingCache, load, load_if_small
from gateway.store.sqlite.maildrop import Maildrop
from gateway.store.sqlite.migration import refuse_newer
from gateway.store.sqlite.read_ahead import ReadAheads
from gateway.store.sqlite.usage import usage_of_domain, usage_of_mailbox
from gateway.store.takeover import Takeover
from gateway.store.writer import MessageWriter
from gateway.store.writer_thread import WriterThread

WAIT_SECONDS = 10.0
"""How long a login waits for a maildrop that is in use."""
CACHED_MESSAGES = 400_000
"""How many messages the listings kept in memory may have together: about 50 MB."""
MEMORY_OCTETS = 24 * 1024 * 1024
"""How much of all messages on their way in may be held in memory."""


@implementer(IMailStore, IBulkStore)
class SQLiteStore:
    """See `IMailStore`. `start` comes first.

    @param folder: the folder of the store, which is made if need be.
    @param in_thread: calls a function with arguments off the reactor thread.
    @param reactor: for waiting. Where it takes calls from threads, as all real ones do, the store
        writes in a thread of its own.
    @param events: where trouble is told.
    @param takeover: says which sessions have to give up their maildrop to another login.
    """

    kind = "sqlite"

    def __init__(
        self,
        folder: Path,
        *,
        in_thread: InThread,
        reactor: IReactorTime,
        events: EventStream | None = None,
        wait_seconds: float = WAIT_SECONDS,
        cached_messages: int = CACHED_MESSAGES,
        memory_octets: int = MEMORY_OCTETS,
        takeover: Takeover | None = None,
    ) -> None:
        self._layout = Layout(folder)
        self._in_thread = in_thread
        self._events = events if events is not None else EventStream()
        self._database = Database(self._layout)
        self._large = LargeFiles(self._database)
        self._holds = MaildropHolds(reactor, wait_seconds, takeover)
        self._listings = ListingCache(cached_messages)
        self._memory = Memory(memory_octets)
        self._read_aheads = ReadAheads()
        self._asking = Asking(self._database, in_thread)
        self._writer = WriterThread(reactor) if IReactorFromThreads.providedBy(reactor) else None
        self._committer = Committer(
            BatchWriter(self._database).write,
            in_thread if self._writer is None else self._writer,
            _at_once if self._writer is None else partial(reactor.callLater, 0),
            self._written,
        )
        self._checkpoints = Checkpoints(
            self._database, in_thread, self._committer.between, self._events
        )
        self._sweeping = False
        self._stopping = False

    def refuse_newer(self) -> None:
        """Look whether a later release has written the database. Raises `NewerVersion`. Blocks."""
        refuse_newer(self._layout)

    def start(self) -> None:
        """Open the database, and remove what a gateway that died has left. Blocks.

        Where it cannot be opened, that is told; it is tried again at every use, and until then
        all that is asked of it fails. What was deleted before a crash, and still takes room, is
        removed meanwhile, in portions, as after any deletion.
        """
        try:
            self._database.open()
            self._large.start()
            if self._large.has_dead():
                self._sweep()
        except StoreError as error:
            self._events.emit(Trouble(str(self._layout.folder), str(error)))

    def stop(self) -> Deferred[None]:
        """Let all that was asked for be written, then close the database.

        What is still to be swept waits for the next start.
        """
        self._stopping = True
        idle = self._committer.when_idle()
        return idle.addCallback(self._end)

    def _end(self, _: None) -> Deferred[None]:
        if self._writer is not None:
            self._writer.stop()
        return self._in_thread(self._close)

    def open_maildrop(self, mailbox: str, client: Client) -> Deferred[IMaildrop]:
        """See `IMailStore.open_maildrop`."""
        hold = self._holds.take_free(mailbox, self._layout.lock_folder(mailbox), client)
        listing = self._list_at_once(mailbox) if hold is not None and client.connected else None
        if hold is not None and listing is not None:
            return succeed(self._maildrop(hold, listing))
        return Deferred.fromCoroutine(self._open_maildrop(mailbox, client, hold))

    def begin_delivery(self, attributes: MessageAttributes) -> IMessageWriter:
        """See `IMailStore.begin_delivery`."""
        message = IncomingMessage(attributes, self._large, self._committer.submit, self._in_thread)
        return MessageWriter(message, message.commit, self._memory)

    def bulk_writer(self) -> BulkWriter:
        """See `IBulkStore.bulk_writer`."""
        return BulkWriter(self._database, self._large)

    def usage(self, mailbox: str, fresh: bool = False) -> Usage | Deferred[Usage]:
        """See `IMailStore.usage`. It is always fresh."""
        del fresh
        if mailbox.startswith("@"):
            return self._asking.in_thread(usage_of_domain, mailbox)
        return self._asking.at_once(usage_of_mailbox, mailbox)

    async def _open_maildrop(self, mailbox: str, client: Client, hold: Hold | None) -> IMaildrop:
        if hold is None:
            hold = await self._hold(mailbox, client)
        try:
            listing = await self._list(mailbox)
            if not client.connected:
                raise StoreError("the client went away while its maildrop was opened")
        except BaseException:
            hold.release()
            raise
        return self._maildrop(hold, listing)

    def _maildrop(self, hold: Hold, listing: Listing) -> Maildrop:
        return Maildrop(
            hold, listing, self._layout, self._asking, self._committer, self._read_aheads
        )

    async def _hold(self, mailbox: str, client: Client) -> Hold:
        place = self._layout.lock_folder(mailbox)
        try:
            return await self._holds.acquire(mailbox, place, client)
        except FileNotFoundError:
            await self._in_thread(_make_folder, place)
            return await self._holds.acquire(mailbox, place, client)

    def _list_at_once(self, mailbox: str) -> Listing | None:
        """Return what the mailbox holds; None where that takes time, or cannot be told."""
        known = self._listings.get(mailbox)
        try:
            listing = self._asking.at_once_or_not(load_if_small, mailbox, known)
        except StoreError:
            return None  # whoever waits for the answer is told
        if listing is not None and listing is not known:
            self._listings.put(mailbox, listing)
        return listing

    async def _list(self, mailbox: str) -> Listing:
        """Return what the mailbox holds, from memory where nothing has changed."""
        listing = self._list_at_once(mailbox)
        if listing is None:
            listing = await self._asking.in_thread(load, mailbox)
            self._listings.put(mailbox, listing)
        return listing

    def _written(self, octets: int, deleted: bool) -> None:
        self._checkpoints.written(octets)
        if deleted and not self._sweeping:
            self._sweep()

    def _sweep(self) -> None:
        """Have the room of deleted messages given back, a portion between any two commits."""
        self._sweeping = True
        self._committer.between(self._large.sweep).addCallbacks(self._swept, self._not_swept)

    def _swept(self, more: bool) -> None:
        self._sweeping = False
        if more and not self._stopping:
            self._sweep()

    def _not_swept(self, failure: Failure) -> None:
        self._sweeping = False
        self._events.emit(Trouble(str(self._layout.large), failure.getErrorMessage()))

    def _close(self) -> None:
        self._large.stop()
        self._database.close()


def _at_once(function: Callable[[], None]) -> None:
    function()


def _make_folder(folder: Path) -> None:
    with told_as_store_error("make the folder", folder):
        make_folder(folder)
