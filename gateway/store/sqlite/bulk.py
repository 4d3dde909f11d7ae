"""Many messages stored by a command that waits: in its own thread, with few commits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from gateway.store.interfaces import MessageAttributes, StoredCopy
from gateway.store.sqlite.database import Database, transaction
from gateway.store.sqlite.errors import told_as_store_error
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

Stored = Callable[[StoredCopy, int], object]
"""Takes a copy that is on stable storage, and the number of its body."""


@dataclass(slots=True)
class _Waiting:
    delivery: Delivery
    until: float | None
    stored: Stored


class BulkWriter:
    """Stores messages. One call at a time; nobody else uses the writer of the database.

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
        stored: Stored,
        until: float | None = None,
    ) -> None:
        """Store a message, durably by the next `flush` at the latest.

        @param attributes: where `until` is given, with the time of arrival.
        @param blocks: its octets in canonical form.
        @param until: until when it is kept although it was deleted; None: it was not.
        """
        check_uidl(attributes.uidl)
        content, file = self._take(blocks)
        name = mailbox if until is None else mailbox + SUFFIX
        delivery = Delivery((name,), attributes, content, file)
        self._waiting.append(_Waiting(delivery, until, stored))
        self._octets += delivery.cost
        if len(self._waiting) >= MOST_MESSAGES or self._octets >= MOST_OCTETS:
            self.flush()

    def flush(self) -> None:
        """Have all that was put on stable storage."""
        waiting, self._waiting = self._waiting, []
        octets, self._octets = self._octets, 0
        if not waiting:
            return
        deliveries = [one.delivery for one in waiting]
        with self._database.writer() as connection, self._telling(), transaction(connection):
            insertion = Insertion(connection, self._mailboxes)
            first = insertion.first_number
            copies = insertion.store(deliveries)
            kept = [
                (flags_until(one.until), one.delivery.mailboxes[0], _place(one.delivery), number)
                for number, one in enumerate(waiting, first)
                if one.until is not None
            ]
            connection.executemany(
                "UPDATE messages SET flags = flags | ? WHERE mailbox ="
                " (SELECT id FROM mailboxes WHERE address = ?) AND place = ? AND number = ?",
                kept,
            )
        for number, (one, made) in enumerate(zip(waiting, copies, strict=True), first):
            if one.delivery.file is not None:
                one.delivery.file.accept()
            one.stored(made[0], number)
        self._checkpoint(octets)

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
        file: ArrivingFile | None = None
        for block in blocks:
            octets += len(block)
            if file is None and octets <= IN_MEMORY:
                held.append(block)
                continue
            with told_as_store_error("write a message to", "a file"):
                if file is None:
                    file = self._large.create()
                    for one in held:
                        file.write(one)
                file.write(block)
        if file is None:
            return _ended(b"".join(held)), None
        with told_as_store_error("write a message to", "a file"):
            file.finish()
        return None, file

    def _telling(self) -> AbstractContextManager[None]:
        return told_as_store_error("write to", self._database.layout.database)

    def _checkpoint(self, octets: int) -> None:
        self._unchecked += octets
        if self._unchecked >= CHECKPOINT_OCTETS:
            self._unchecked = 0
            with self._database.writer() as connection, self._telling():
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def _place(delivery: Delivery) -> int:
    return round(delivery.attributes.arrived * MICROSECONDS)


def _ended(content: bytes) -> bytes:
    return content + b"\r\n" if content and not content.endswith(b"\r\n") else content
