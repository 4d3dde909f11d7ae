"""The TRANSACTION state (RFC 1939 section 5), and UPDATE, which QUIT leads to (section 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.events import MessageRetrieved, MessagesDeleted, Trouble, UpdateFailed
from gateway.net.connection import Result
from gateway.pop3 import verbs
from gateway.pop3.arguments import BadArguments, Message
from gateway.pop3.listing import LISTINGS, SLICE, ListingReader, render
from gateway.pop3.login import Opened
from gateway.pop3.marks import Marks
from gateway.pop3.replies import SYS_TEMP, TERMINATOR, UTF8, CommandRefused, err, ok
from gateway.pop3.retrieval import Retrieval, say_whole
from gateway.pop3.sleep import Proof
from gateway.pop3.state import State
from gateway.pop3.surrogates import NeedsUTF8
from gateway.store.interfaces import IMessageReader, MessageGone, StoreError
from gateway.store.whole_message import WholeMessage
from gateway.wire.headers import TopCutter

if TYPE_CHECKING:
    from gateway.pop3.protocol import POP3Connection


class Transaction(State):
    """A maildrop is open, and held until `leave`."""

    verbs: ClassVar[tuple[verbs.Verb, ...]] = verbs.TRANSACTION

    def __init__(self, connection: POP3Connection, opened: Opened, proof: Proof | None) -> None:
        super().__init__(connection)
        self.maildrop = opened.maildrop
        self.snapshot = opened.maildrop.snapshot
        self.policy = opened.policy
        self._logout: Any = opened.logout
        self._proof = proof
        self._marks = Marks(self.snapshot)
        self._retrieval: Retrieval | None = None
        self._indexes_by_uidl: dict[str, int] | None = None
        self._last = 0

    @property
    def belongs_elsewhere(self) -> bytes:
        """See `State`."""
        return self.texts.not_after_login

    def leave(self) -> None:
        """Let go of the maildrop; what is marked stays."""
        if self._logout is not None:
            logout, self._logout = self._logout, None
            if self._retrieval is not None:
                self._retrieval.close()
            self.maildrop.release()
            logout()

    # Looking ---------------------------------------------------------------------------------

    def stat(self) -> bytes:
        """STAT: number and octets of the messages that are not marked."""
        return b"+OK %d %d\r\n" % self._marks.left()

    def list_sizes(self, message: Message | None) -> Result:
        """LIST: the sizes in octets, or that of one message."""
        if message is not None:
            index = self._index(message)
            return ok(b"%d %d" % (index + 1, self.snapshot.sizes[index]))
        return self._scan(self.texts.listing_follows % self._marks.left(), "sizes")

    def list_uidls(self, message: Message | None) -> Result:
        """UIDL: the unique-ids, or that of one message."""
        if message is not None:
            index = self._index(message)
            return ok(b"%d %b" % (index + 1, self.snapshot.uidls[index].encode("ascii")))
        return self._scan(self.texts.uidls_follow, "uidls")

    def _scan(self, text: bytes, attribute: str) -> Result:
        status, hidden = self.begin_lines(text), self._marks.hidden
        if hidden:
            slices = render(getattr(self.snapshot, attribute), hidden)
            if len(self.snapshot) <= SLICE:
                return status + b"".join(slices) + TERMINATOR
        else:
            listing = LISTINGS.get(self.snapshot, attribute)
            if listing.whole is not None:
                self.connection.send(status)
                return listing.whole
            slices = iter(listing)
        reader = ListingReader(slices, self.connection.factory.reactor)
        retrieval = self._retrieval = Retrieval(self.connection, reader)
        pending = retrieval.begin(status)
        return None if pending is None else pending.addCallback(self._listed)

    def _listed(self, _: None) -> None:
        self._retrieval = None

    def last(self) -> bytes:
        """LAST: the highest number of a message that RETR was used on in this session."""
        return ok(b"%d" % self._last)

    def noop(self) -> bytes:
        """NOOP: nothing, but the session is not idle."""
        return ok(self.texts.nothing_done)

    # Reading ---------------------------------------------------------------------------------

    def retr(self, message: Message) -> Result:
        """RETR: the whole message."""
        index = self._index(message)
        self._last = max(self._last, index + 1)
        return self._say_message(index, self.texts.octets_follow % self.snapshot.sizes[index], None)

    def top(self, message: Message, lines: int) -> Result:
        """TOP: the header, a blank line, and some lines of the body."""
        return self._say_message(self._index(message), self.texts.top_follows, TopCutter(lines))

    def _say_message(self, index: int, text: bytes, cutter: TopCutter | None) -> Result:
        try:
            opened = self.maildrop.open_message(index)
        except StoreError:
            return self._unreadable(Failure(), index)
        if isinstance(opened, Deferred):
            return opened.addCallbacks(
                self._say_opened, self._unreadable, (index, text, cutter), {}, (index,)
            )
        return self._say_opened(opened, index, text, cutter)

    def _say_opened(
        self, reader: IMessageReader, index: int, text: bytes, cutter: TopCutter | None
    ) -> Deferred[bytes | None] | bytes | None:
        if self._logout is None or self.connection.ending:  # while the message was opened
            reader.close()
            return None
        if cutter is None and isinstance(reader, WholeMessage):
            say_whole(self.connection, self.begin_lines(text), reader.content)
            self._said(None, index, None)
            return None
        retrieval = self._retrieval = Retrieval(self.connection, reader, cutter)
        try:
            pending = retrieval.begin(self.begin_lines(text))
        except Exception:
            return self._not_said(Failure(), index, retrieval)
        if pending is None:
            self._said(None, index, cutter)
            return None
        return pending.addCallbacks(
            self._said, self._not_said, (index, cutter), {}, (index, retrieval)
        )

    def _said(self, _: None, index: int, cutter: TopCutter | None) -> None:
        self._retrieval = None
        if cutter is None:
            self.connection.factory.events.emit(
                MessageRetrieved(
                    self.connection.client,
                    self.maildrop.mailbox,
                    self.snapshot.uidls[index],
                    self.snapshot.sizes[index],
                )
            )

    def _not_said(self, failure: Failure, index: int, retrieval: Retrieval) -> bytes | None:
        self._retrieval = None
        if not retrieval.begun:
            return self._unreadable(failure, index)
        # Half a message must not be taken for a whole one, and then be deleted.
        self._tell_unreadable(failure, index)
        self.connection.abort("message could not be read to its end")
        return None

    def _unreadable(self, failure: Failure, index: int) -> bytes:
        failure.trap(StoreError)
        if failure.check(MessageGone):
            return err(self.texts.message_gone % (index + 1))
        if failure.check(NeedsUTF8):
            return err(self.texts.message_needs_utf8 % (index + 1), UTF8)
        self._tell_unreadable(failure, index)
        return err(self.texts.message_unreadable % (index + 1), SYS_TEMP)

    def _tell_unreadable(self, failure: Failure, index: int) -> None:
        where = f"message {index + 1} of {self.maildrop.mailbox}"
        self.connection.factory.events.emit(Trouble(where, str(failure.value)))

    def _index(self, message: Message) -> int:
        """Return the index of the message that a client names."""
        index = self._index_of_uidl(message) if isinstance(message, str) else message - 1
        if not 0 <= index < len(self.snapshot):
            raise CommandRefused(self.texts.no_such_message % len(self.snapshot))
        if index in self._marks.hidden:
            removed = self._marks.is_removed(index)
            text = self.texts.removed if removed else self.texts.message_deleted
            raise CommandRefused(text % (index + 1))
        return index

    def _index_of_uidl(self, uidl: str) -> int:
        if "UID-PARAM" not in self.connection.factory.policy.extensions:
            raise BadArguments
        if self._indexes_by_uidl is None:
            self._indexes_by_uidl = {u: index for index, u in enumerate(self.snapshot.uidls)}
        index = self._indexes_by_uidl.get(uidl)
        if index is None:
            raise CommandRefused(self.texts.no_such_uidl)
        return index

    # Deleting --------------------------------------------------------------------------------

    def dele(self, message: Message) -> bytes:
        """DELE: mark a message; QUIT removes it."""
        index = self._index(message)
        self._marks.mark(index)
        return ok(self.texts.deleted % (index + 1))

    def rset(self) -> bytes:
        """RSET: take all marks back."""
        self._marks.unmark_all()
        self._last = 0
        return ok(self.texts.restored % self._marks.left())

    def deli(self, message: Message) -> Deferred[bytes]:
        """DELI: remove a message now, whatever becomes of the session."""
        index = self._index(message)
        return self._remove([index]).addCallback(self._removed_now, index)

    def _removed_now(self, kept: list[int], index: int) -> bytes:
        if kept:
            return err(self.texts.not_removed % (1, 1), SYS_TEMP)
        return ok(self.texts.removed % (index + 1))

    def slee(self) -> Deferred[bytes]:
        """SLEE: as QUIT, but the connection stays."""
        marked = self._marks.marked()
        return self._remove(marked).addCallback(self._removed_for_sleep, len(marked))

    def _removed_for_sleep(self, kept: list[int], marked: int) -> bytes:
        if kept:
            return err(self.texts.not_removed % (len(kept), marked), SYS_TEMP)
        assert self._proof is not None
        self.connection.fall_asleep(self._proof)
        return ok(self.texts.asleep)

    def quit(self) -> Result:
        """QUIT: enter UPDATE, remove what is marked, let go of the maildrop."""
        marked = self._marks.marked()
        if not marked:
            self._end(ok(self.texts.goodbye))
            return None
        return self._remove(marked).addCallback(self._updated, len(marked))

    def _updated(self, kept: list[int], marked: int) -> None:
        if kept:
            self._end(err(self.texts.not_removed % (len(kept), marked), SYS_TEMP))
        else:
            self._end(ok(self.texts.goodbye))

    def _end(self, last_words: bytes) -> None:
        # The maildrop is free before the client can know it: it may log in again at once.
        self.leave()
        self.connection.end("quit", last_words)

    def _remove(self, indexes: list[int]) -> Deferred[list[int]]:
        """Remove messages for good; return a Deferred of those that could not be removed."""
        removal: Deferred[list[int]] = self.maildrop.commit(indexes)
        removal.addErrback(self._removal_failed, indexes)
        return removal.addCallback(self._tell_removed, indexes)

    def _removal_failed(self, failure: Failure, indexes: list[int]) -> list[int]:
        failure.trap(StoreError)
        self.connection.factory.events.emit(Trouble(self.maildrop.mailbox, str(failure.value)))
        return indexes

    def _tell_removed(self, kept: list[int], indexes: list[int]) -> list[int]:
        gone = sorted(set(indexes) - set(kept)) if kept else indexes
        self._marks.remove(gone)
        self._tell(MessagesDeleted, gone)
        self._tell(UpdateFailed, kept)
        return kept

    def _tell(self, event: Any, indexes: list[int]) -> None:
        if indexes:
            uidls = tuple(self.snapshot.uidls[index] for index in indexes)
            self.connection.factory.events.emit(
                event(self.connection.client, self.maildrop.mailbox, uidls)
            )
