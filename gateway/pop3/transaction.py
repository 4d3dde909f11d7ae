"""The TRANSACTION state (RFC 1939 section 5), and UPDATE, which QUIT leads to (section 6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from gateway.events import MessageRetrieved, MessagesDeleted, Trouble, UpdateFailed
from gateway.net.connection import Result
from gateway.pop3 import verbs
from gateway.pop3.listing import LISTINGS, render_scan
from gateway.pop3.replies import SYS_TEMP, CommandRefused, err, ok
from gateway.pop3.retrieval import Retrieval
from gateway.pop3.state import State
from gateway.store.interfaces import IMaildrop, IMessageReader, MessageGone, StoreError
from gateway.wire.headers import TopCutter

if TYPE_CHECKING:
    from gateway.pop3.protocol import POP3Connection


class Transaction(State):
    """A maildrop is open, and held until `leave`."""

    verbs: ClassVar[tuple[verbs.Verb, ...]] = verbs.TRANSACTION

    def __init__(
        self, connection: POP3Connection, maildrop: IMaildrop, logout: Callable[[], object]
    ) -> None:
        super().__init__(connection)
        self.maildrop = maildrop
        self.snapshot = maildrop.snapshot
        self._logout: Callable[[], object] | None = logout
        self._retrieval: Retrieval | None = None
        self._deleted: set[int] = set()
        self._deleted_octets = 0

    def leave(self) -> None:
        """Let go of the maildrop; what is marked stays."""
        if self._logout is not None:
            logout, self._logout = self._logout, None
            if self._retrieval is not None:
                self._retrieval.close()
            self.maildrop.release()
            logout()

    # Looking ---------------------------------------------------------------------------------

    def _left(self) -> tuple[int, int]:
        """Return the number of messages that are not marked as deleted, and their octets."""
        return (
            len(self.snapshot) - len(self._deleted),
            self.snapshot.octets - self._deleted_octets,
        )

    def stat(self) -> bytes:
        """STAT: number and octets of the messages that are not marked."""
        return b"+OK %d %d\r\n" % self._left()

    def list_sizes(self, number: int | None) -> Result:
        """LIST: the sizes in octets, or that of one message."""
        if number is not None:
            return ok(b"%d %d" % (number, self.snapshot.sizes[self._index(number)]))
        return self._scan(self.texts.listing_follows % self._left(), "sizes")

    def list_uidls(self, number: int | None) -> Result:
        """UIDL: the unique-ids, or that of one message."""
        if number is not None:
            uidl = self.snapshot.uidls[self._index(number)]
            return ok(b"%d %b" % (number, uidl.encode("ascii")))
        return self._scan(self.texts.uidls_follow, "uidls")

    def _scan(self, text: bytes, attribute: str) -> Result:
        if self._deleted:
            body = render_scan(self.snapshot, attribute, self._deleted)
        else:
            body = LISTINGS.get(self.snapshot, attribute)
        return ok(text) + body

    def noop(self) -> bytes:
        """NOOP: nothing, but the session is not idle."""
        return ok(self.texts.nothing_done)

    # Reading ---------------------------------------------------------------------------------

    def retr(self, number: int) -> Result:
        """RETR: the whole message."""
        index = self._index(number)
        return self._say_message(index, self.texts.octets_follow % self.snapshot.sizes[index], None)

    def top(self, number: int, lines: int) -> Result:
        """TOP: the header, a blank line, and some lines of the body."""
        return self._say_message(self._index(number), self.texts.top_follows, TopCutter(lines))

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
    ) -> Deferred[bytes | None]:
        if self._logout is None:  # the client has left while the message was opened
            reader.close()
            return succeed(None)
        retrieval = self._retrieval = Retrieval(self.connection, reader, cutter)
        return retrieval.begin(ok(text)).addCallbacks(
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
        self._tell_unreadable(failure, index)
        return err(self.texts.message_unreadable % (index + 1), SYS_TEMP)

    def _tell_unreadable(self, failure: Failure, index: int) -> None:
        where = f"message {index + 1} of {self.maildrop.mailbox}"
        self.connection.factory.events.emit(Trouble(where, str(failure.value)))

    def _index(self, number: int) -> int:
        """Return the index of the message that a client calls `number`."""
        if not 1 <= number <= len(self.snapshot):
            raise CommandRefused(self.texts.no_such_message % len(self.snapshot))
        if number - 1 in self._deleted:
            raise CommandRefused(self.texts.message_deleted % number)
        return number - 1

    # Deleting --------------------------------------------------------------------------------

    def dele(self, number: int) -> bytes:
        """DELE: mark a message; QUIT removes it."""
        index = self._index(number)
        self._deleted.add(index)
        self._deleted_octets += self.snapshot.sizes[index]
        return ok(self.texts.deleted % number)

    def rset(self) -> bytes:
        """RSET: take all marks back."""
        self._deleted.clear()
        self._deleted_octets = 0
        return ok(self.texts.restored % self._left())

    def quit(self) -> Result:
        """QUIT: enter UPDATE, remove what is marked, let go of the maildrop."""
        if not self._deleted:
            self._end(ok(self.texts.goodbye))
            return None
        marked = sorted(self._deleted)
        update = self.maildrop.commit(marked)
        return update.addCallbacks(self._updated, self._update_failed, (marked,), {}, (marked,))

    def _updated(self, kept: list[int], marked: list[int]) -> None:
        self._tell(MessagesDeleted, sorted(set(marked) - set(kept)))
        if kept:
            self._tell(UpdateFailed, kept)
            self._end(err(self.texts.not_removed % (len(kept), len(marked)), SYS_TEMP))
        else:
            self._end(ok(self.texts.goodbye))

    def _update_failed(self, failure: Failure, marked: list[int]) -> None:
        failure.trap(StoreError)
        self.connection.factory.events.emit(Trouble(self.maildrop.mailbox, str(failure.value)))
        self._updated(marked, marked)

    def _tell(self, event: Any, indexes: list[int]) -> None:
        if indexes:
            uidls = tuple(self.snapshot.uidls[index] for index in indexes)
            self.connection.factory.events.emit(
                event(self.connection.client, self.maildrop.mailbox, uidls)
            )

    def _end(self, last_words: bytes) -> None:
        # The maildrop is free before the client can know it: it may log in again at once.
        self.leave()
        self.connection.end("quit", last_words)
