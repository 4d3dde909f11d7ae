"""Storing messages, inside a transaction that the caller makes. Blocks."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from hashlib import sha256

from gateway.store.interfaces import MessageAttributes, StoredCopy
from gateway.store.sqlite.jobs import Delivery
from gateway.store.sqlite.rows import chunks, insert, marks
from gateway.store.sqlite.schema import REQUIRETLS, SMTPUTF8

MICROSECONDS = 1_000_000

_STATE = (
    "SELECT next_number, next_mailbox, last_place, change,"
    " (SELECT name FROM epochs ORDER BY id DESC LIMIT 1) FROM store"
)
_HASHED_AT_ONCE = 2047
"""hashlib gives up the interpreter's lock for more, and has to wait until it gets it back."""


class Mailboxes:
    """The row of each mailbox, by address. A row once committed stays, so it is remembered."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}

    def find(self, connection: sqlite3.Connection, addresses: Iterable[str]) -> dict[str, int]:
        """Look for mailboxes; return those that are there."""
        wanted = set(addresses)
        unknown = sorted(wanted - self._ids.keys())
        for chunk in chunks(unknown):
            query = f"SELECT address, id FROM mailboxes WHERE address IN ({marks(len(chunk))})"
            self._ids.update(connection.execute(query, chunk))
        return {address: self._ids[address] for address in wanted & self._ids.keys()}


class Insertion:
    """Stores messages with as few statements as can be.

    @param connection: in a transaction.
    """

    def __init__(self, connection: sqlite3.Connection, mailboxes: Mailboxes) -> None:
        self._connection = connection
        self._mailboxes = mailboxes
        row = connection.execute(_STATE).fetchone()
        self._number, self._next_mailbox, self._place, self._change, self._epoch = row
        self.first_number = self._number
        """Of the bodies that this stores."""
        self._change += 1

    def store(self, deliveries: Sequence[Delivery]) -> list[list[StoredCopy]]:
        """Store messages."""
        ids = self._ids(deliveries)
        bodies, contents, files, messages = [], [], [], []
        grown: dict[str, list[int]] = {}
        copies: list[list[StoredCopy]] = []
        for delivery in deliveries:
            number, self._number = self._number, self._number + 1
            if delivery.file is not None:
                octets, digest = delivery.file.octets, delivery.file.digest
                files.append((number, delivery.file.name))
            else:
                content = delivery.content or b""
                octets, digest = len(content), _digest(content)
                contents.append((number, content))
            bodies.append((number, octets, len(delivery.mailboxes), digest))
            arrived, place = self._arrival(delivery.attributes.arrived)
            flags = _flags(delivery.attributes)
            uidls = self._given_uidls(delivery, ids)
            made = []
            for mailbox in delivery.mailboxes:
                uidl = uidls.get(mailbox)
                row = (ids[mailbox], place, number, octets, arrived, flags, uidl)
                messages.append(row)
                count = grown.setdefault(mailbox, [0, 0])
                count[0] += 1
                count[1] += octets
                made.append(StoredCopy(mailbox, uidl or f"{self._epoch}.{number}"))
            copies.append(made)
        self._write(bodies, contents, files, messages)
        self._count(ids, grown)
        return copies

    def add_copy(
        self, mailbox: str, attributes: MessageAttributes, number: int, flags: int
    ) -> None:
        """Put one more copy of a message into a mailbox.

        @param number: of its body, which is there.
        @param flags: beside those that the attributes say.
        """
        delivery = Delivery((mailbox,), attributes, None)
        ids = self._ids([delivery])
        uidl = self._given_uidls(delivery, ids).get(mailbox)
        arrived, place = self._arrival(attributes.arrived)
        flags |= _flags(attributes)
        change = "UPDATE bodies SET copies = copies + 1 WHERE number = ? RETURNING octets"
        (octets,) = self._connection.execute(change, (number,)).fetchone()
        row = (ids[mailbox], place, number, octets, arrived, flags, uidl)
        self._write([], [], [], [row])
        self._count(ids, {mailbox: [1, octets]})

    def _write(
        self,
        bodies: Sequence[tuple[object, ...]],
        contents: Sequence[tuple[object, ...]],
        files: Sequence[tuple[object, ...]],
        messages: Sequence[tuple[object, ...]],
    ) -> None:
        insert(self._connection, "INSERT INTO bodies", bodies)
        insert(self._connection, "INSERT INTO contents", contents)
        insert(self._connection, "INSERT INTO files", files)
        insert(self._connection, "INSERT INTO messages", messages)

    def _count(self, ids: dict[str, int], grown: dict[str, list[int]]) -> None:
        """Bring the counts of the mailboxes and of the store up to date."""
        rows = [(ids[name], name, *count, self._change) for name, count in grown.items()]
        insert(
            self._connection,
            "INSERT INTO mailboxes (id, address, messages, octets, change)",
            rows,
            "ON CONFLICT (id) DO UPDATE SET messages = messages + excluded.messages,"
            " octets = octets + excluded.octets, change = excluded.change",
        )
        self._connection.execute(
            "UPDATE store SET next_number = ?, next_mailbox = ?, last_place = ?, change = ?",
            (self._number, self._next_mailbox, self._place, self._change),
        )

    def _ids(self, deliveries: Sequence[Delivery]) -> dict[str, int]:
        """Return the row of every mailbox that is delivered to; new ones get one."""
        names = [name for delivery in deliveries for name in delivery.mailboxes]
        ids = self._mailboxes.find(self._connection, names)
        for name in names:
            if name not in ids:
                ids[name] = self._next_mailbox
                self._next_mailbox += 1
        return ids

    def _arrival(self, given: float) -> tuple[int, int]:
        """Return when a message arrived, and its place in the order, both in microseconds."""
        if given:
            arrived = round(given * MICROSECONDS)
            self._place = max(self._place, arrived)
            return arrived, arrived
        arrived = time.time_ns() // 1000
        self._place = max(self._place + 1, arrived)
        return arrived, self._place

    def _given_uidls(self, delivery: Delivery, ids: dict[str, int]) -> dict[str, str]:
        """Return the unique-id to keep in each mailbox where it is still free."""
        uidl = delivery.attributes.uidl
        if uidl is None:
            return {}
        return {name: uidl for name in delivery.mailboxes if self._is_free(ids[name], uidl)}

    def _is_free(self, mailbox: int, uidl: str) -> bool:
        """Say whether no message of a mailbox has a unique-id, and none will be given it."""
        name, _, digits = uidl.partition(".")
        query = "SELECT 1 FROM epochs WHERE name = ?"
        if self._connection.execute(query, (name,)).fetchone() is not None:
            # One of ours comes back, from a Maildir that was made of this store.
            given = digits.isdecimal() and int(digits) < self.first_number
            if not given or self._has(mailbox, digits):
                return False
        query = "SELECT 1 FROM messages WHERE mailbox = ? AND uidl = ?"
        return self._connection.execute(query, (mailbox, uidl)).fetchone() is None

    def _has(self, mailbox: int, digits: str) -> bool:
        query = "SELECT 1 FROM messages WHERE mailbox = ? AND number = ? AND uidl IS NULL"
        return self._connection.execute(query, (mailbox, int(digits))).fetchone() is not None


def _flags(attributes: MessageAttributes) -> int:
    return SMTPUTF8 * attributes.smtputf8 | REQUIRETLS * attributes.requiretls


def _digest(content: bytes) -> bytes:
    """Return the SHA-256 of a body that lies in memory."""
    digest = sha256()
    with memoryview(content) as view:
        for at in range(0, len(content), _HASHED_AT_ONCE):
            digest.update(view[at : at + _HASHED_AT_ONCE])
    return digest.digest()
