"""Many messages stored by a command that waits: in its own thread, with few commits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from itertools import chain

from zope.interface import implementer

from gateway.store.interfaces import IBulkWriter, MessageAttributes, StoredCopy
from gateway.store.sqlite.database import Database, transaction
from gateway.store.sqlite.errors import told_as_store_error
from gateway.store.sqlite.incoming import whole
from gateway.store.sqlite.insertion import MICROSECONDS, Insertion, Mailboxes
from gateway.store.sqlite.jobs import Delivery
from gateway.store.sqlite.keeping import SUFFIX, flags_until
from gateway.store.sqlite.large import ArrivingFile, LargeFiles
from gateway.store.uidl import check_uidl
from gateway.store.writer import IN_MEMORY

MOST_MESSAGES = 500
MOST_OCTETS = 8 * 1024 * 1024
"""What goes into one commit at most."""
CHECKPOINT_OCTETS = 32 * 1024 * 1024

_KEEP = (
    "UPDATE messages SET flags = flags | ? WHERE mailbox ="
    " (SELECT id FROM mailboxes WHERE address = ?) AND place = ? AND number = ?"
)

Stored = Callable[[StoredCopy], object]
Numbered = Callable[[int], object]


@dataclass(slots=True)
class _Waiting:
    delivery: Delivery
    stored: Stored | None
    numbered: Numbered | None
    until: float | None


@implementer(IBulkWriter)
class BulkWriter:
    """See `IBulkWriter`. One call at a time; nobody else uses the writer of the database.

    @raise StoreError: from any method; of what waits to be stored nothing is.
    """

    def __init__(self, database: Database, large: LargeFiles) -> None:
        self._database = database
        self._large = large
        self._mailboxes = Mailboxes()
        self._waiting: list[_Waiting] = []
        self._octets = 0
        self._unchecked = 0

    def put(
        self,
        mailbox: str,
        attributes: MessageAttributes,
        blocks: Iterable[bytes],
        stored: Stored | None = None,
        *,
        numbered: Numbered | None = None,
        until: float | None = None,
    ) -> None:
        """See `IBulkWriter.put`.

        @param numbered: called with the number of its body when it is on stable storage.
        @param until: until when it is kept although it was deleted; None: it was not. Where it is
            given, `attributes` have the time of arrival.
        """
        check_uidl(attributes.uidl)
        content, file = self._take(blocks)
        name = mailbox if until is None else mailbox + SUFFIX
        delivery = Delivery((name,), attributes, content, file)
        self._waiting.append(_Waiting(delivery, stored, numbered, until))
        self._octets += delivery.cost
        if len(self._waiting) >= MOST_MESSAGES or self._octets >= MOST_OCTETS:
            self.flush()

    def flush(self) -> None:
        """See `IBulkWriter.flush`."""
        waiting, self._waiting = self._waiting, []
        octets, self._octets = self._octets, 0
        if not waiting:
            return
        try:
            first, copies = self._store(waiting)
        except BaseException:
            _discard(waiting)
            raise
        for number, (one, made) in enumerate(zip(waiting, copies, strict=True), first):
            if one.delivery.file is not None:
                one.delivery.file.accept()
            if one.stored is not None:
                one.stored(made[0])
            if one.numbered is not None:
                one.numbered(number)
        self._checkpoint(octets)

    def abort(self) -> None:
        """Give up what waits to be stored. Never raises."""
        waiting, self._waiting = self._waiting, []
        self._octets = 0
        _discard(waiting)

    def _store(self, waiting: Sequence[_Waiting]) -> tuple[int, list[list[StoredCopy]]]:
        """Store messages durably; return the number of the first body, and the copies."""
        with self._database.writer() as connection, self._telling(), transaction(connection):
            insertion = Insertion(connection, self._mailboxes)
            first = insertion.first_number
            copies = insertion.store([one.delivery for one in waiting])
            kept = [
                (flags_until(one.until), one.delivery.mailboxes[0], _place(one.delivery), number)
                for number, one in enumerate(waiting, first)
                if one.until is not None
            ]
            connection.executemany(_KEEP, kept)
        return first, copies

    def add_copy(
        self,
        mailbox: str,
        attributes: MessageAttributes,
        number: int,
        until: float | None = None,
    ) -> None:
        """Store one more copy of a message, of which the body is there. Durably, at once.

        @param number: of the body.
        """
        check_uidl(attributes.uidl)
        name = mailbox if until is None else mailbox + SUFFIX
        flags = 0 if until is None else flags_until(until)
        self.flush()
        with self._database.writer() as connection, self._telling(), transaction(connection):
            Insertion(connection, self._mailboxes).add_copy(name, attributes, number, flags)

    def _take(self, blocks: Iterable[bytes]) -> tuple[bytes | None, ArrivingFile | None]:
        """Return the octets, or the file in which they are where they are many."""
        held: list[bytes] = []
        octets = 0
        rest = iter(blocks)
        for block in rest:
            held.append(block)
            octets += len(block)
            if octets > IN_MEMORY:
                return None, self._write(chain(held, rest))
        return whole(held), None

    def _write(self, blocks: Iterable[bytes]) -> ArrivingFile:
        with told_as_store_error("write a message to", "a file"):
            file = self._large.create()
            try:
                for block in blocks:
                    file.write(block)
                file.finish()
            except BaseException:
                file.discard()
                raise
        return file

    def _telling(self) -> AbstractContextManager[None]:
        return told_as_store_error("write to", self._database.layout.database)

    def _checkpoint(self, octets: int) -> None:
        self._unchecked += octets
        if self._unchecked >= CHECKPOINT_OCTETS:
            self._unchecked = 0
            with self._database.writer() as connection, self._telling():
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def _discard(waiting: Sequence[_Waiting]) -> None:
    """Remove the files of messages that are not stored."""
    for one in waiting:
        if one.delivery.file is not None:
            with suppress(OSError):  # `store check` finds what is left
                one.delivery.file.discard()


def _place(delivery: Delivery) -> int:
    return round(delivery.attributes.arrived * MICROSECONDS)
