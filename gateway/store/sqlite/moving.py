"""The database as an end of a conversion."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

from gateway.store.moving import KeptMessage, Read, blocks_of
from gateway.store.sqlite.administration import SQLiteAdministration, holding
from gateway.store.sqlite.bulk import BulkWriter
from gateway.store.sqlite.database import Database, transaction
from gateway.store.sqlite.errors import told_as_store_error
from gateway.store.sqlite.keeping import SUFFIX, flags_until, until_of
from gateway.store.sqlite.large import LargeFiles
from gateway.store.sqlite.layout import Layout
from gateway.store.sqlite.listing import attributes_of, uidl_expression
from gateway.store.sqlite.reader import open_body
from gateway.store.sqlite.removal import remove

_MESSAGES = (
    "SELECT mailbox, place, number, messages.octets, arrived, flags, copies,"
    " address LIKE '%{suffix}', {uidl} FROM messages JOIN bodies USING (number)"
    " JOIN mailboxes ON mailbox = mailboxes.id WHERE address IN (?, ?) ORDER BY place, number"
)


class SQLiteEnd:
    """See `StoreEnd`. Its places are keys, its bodies numbers.

    @param folder: the folder of the store.
    """

    def __init__(self, folder: Path) -> None:
        self._layout = Layout(folder)
        self._database = Database(self._layout)
        self._large = LargeFiles(self._database)
        self._writer = BulkWriter(self._database, self._large)
        self._numbers: dict[Hashable, int] = {}
        """Of the body here, by that of the other end."""
        self._awaited: set[Hashable] = set()

    @contextmanager
    def opened(self) -> Iterator[None]:
        """See `StoreEnd.opened`."""
        self._database.open()
        self._large.start()
        try:
            yield
        finally:
            self._writer.abort()
            self._large.stop()
            self._database.close()

    def mailboxes(self) -> list[str]:
        """See `StoreEnd.mailboxes`."""
        return SQLiteAdministration(self._layout.folder).mailboxes()

    def count(self, mailbox: str) -> int:
        """See `StoreEnd.count`."""
        return SQLiteAdministration(self._layout.folder).usage(mailbox).messages

    def holding(self, mailbox: str) -> AbstractContextManager[None]:
        """See `StoreEnd.holding`."""
        return holding(self._layout, mailbox)

    def messages(self, mailbox: str) -> list[KeptMessage]:
        """See `StoreEnd.messages`."""
        with self._database.connection() as connection, self._reading():
            query = _MESSAGES.format(suffix=SUFFIX, uidl=uidl_expression(connection))
            rows = connection.execute(query, (mailbox, mailbox + SUFFIX))
            return [_message(*row) for row in rows]

    def read(self, message: KeptMessage) -> Iterator[bytes]:
        """See `StoreEnd.read`."""
        with self._database.connection() as connection, self._reading():
            reader = open_body(connection, self._layout, message.place, message.octets)
        yield from blocks_of(reader)

    def kept_until(self, until: float) -> float:
        """See `StoreEnd.kept_until`."""
        return until_of(flags_until(until))

    def put(self, mailbox: str, message: KeptMessage, read: Read) -> None:
        """See `StoreEnd.put`."""
        body = message.body
        if body in self._awaited:
            self.flush()
        if body is not None and body in self._numbers:
            number = self._numbers[body]
            self._writer.add_copy(mailbox, message.attributes, number, message.until)
            return

        numbered = None
        if body is not None:
            self._awaited.add(body)
            numbered = partial(self._number, body)
        self._writer.put(
            mailbox, message.attributes, read(), numbered=numbered, until=message.until
        )

    def _number(self, body: Hashable, number: int) -> None:
        self._numbers[body] = number
        self._awaited.discard(body)

    def note(self, message: KeptMessage, here: KeptMessage) -> None:
        """See `StoreEnd.note`."""
        if message.body is not None:
            self._numbers[message.body] = here.place[2]

    def remove(self, mailbox: str, messages: Sequence[KeptMessage]) -> None:  # noqa: ARG002
        """See `StoreEnd.remove`."""
        keys: dict[int, list[tuple[int, int]]] = {}
        for message in messages:
            row, place, number = message.place
            keys.setdefault(row, []).append((place, number))
        with (
            self._database.connection() as connection,
            told_as_store_error("write to", self._layout.database),
            transaction(connection),
        ):
            for row, run in keys.items():
                remove(connection, row, [run])
        while self._large.sweep():
            pass

    def flush(self) -> None:
        """See `StoreEnd.flush`."""
        self._writer.flush()

    def _reading(self) -> AbstractContextManager[None]:
        return told_as_store_error("read", self._layout.database)


def _message(
    mailbox: int,
    place: int,
    number: int,
    octets: int,
    arrived: int,
    flags: int,
    copies: int,
    deleted: int,
    uidl: str,
) -> KeptMessage:
    attributes = attributes_of(arrived, uidl, flags)
    until = until_of(flags) if deleted else None
    body = number if copies > 1 else None
    return KeptMessage(attributes, octets, until, body, (mailbox, place, number))
