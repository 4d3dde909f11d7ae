"""The messages of a mailbox as they lie in the database."""

from __future__ import annotations

import sqlite3
from array import array
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.store.interfaces import MessageAttributes, Snapshot
from gateway.store.sqlite.errors import Damaged
from gateway.store.sqlite.insertion import MICROSECONDS
from gateway.store.sqlite.schema import REQUIRETLS, SMTPUTF8

SMALL = 64
"""A mailbox of so many messages is listed as fast as an indexed look-up."""
_BLOCK = 1000
"""So many messages come in one row, as text, made while others have the interpreter's lock."""


class Listing:
    """The messages of a mailbox in order of arrival, and where each of them lies."""

    __slots__ = ("change", "mailbox", "numbers", "places", "snapshot")

    def __init__(self, mailbox: int, change: int) -> None:
        self.mailbox = mailbox
        """Its row; 0 where it has none yet."""
        self.change = change
        """The last change of the mailbox that is in here."""
        self.places = array("q")
        self.numbers = array("q")
        self.snapshot = Snapshot((), ())

    def __len__(self) -> int:
        return len(self.numbers)

    def key(self, index: int) -> tuple[int, int, int]:
        """Return mailbox, place and number of the message at `index`."""
        return self.mailbox, self.places[index], self.numbers[index]


def load_if_small(
    connection: sqlite3.Connection, address: str, known: Listing | None
) -> Listing | None:
    """Return the listing of a mailbox where that takes no time, else None.

    @param known: what it was before; it is returned where nothing has changed.
    @raise Damaged: the mailbox does not hold what it says it holds.
    """
    with _one_state(connection):
        row = _row(connection, address)
        if row is None:
            return Listing(0, 0)
        if known is not None and known.mailbox == row[0] and known.change == row[1]:
            return known
        return _load(connection, address, row) if row[2] <= SMALL else None


def load(connection: sqlite3.Connection, address: str) -> Listing:
    """List a mailbox. Raises `Damaged`."""
    with _one_state(connection):
        row = _row(connection, address)
        return _load(connection, address, row) if row is not None else Listing(0, 0)


def attributes(connection: sqlite3.Connection, key: tuple[int, int, int]) -> MessageAttributes:
    """Return the attributes of a message; of one that is gone, those that are known."""
    query = (
        "SELECT arrived, uidl, flags FROM messages WHERE mailbox = ? AND place = ? AND number = ?"
    )
    row = connection.execute(query, key).fetchone()
    if row is None:
        return MessageAttributes(arrived=key[1] / MICROSECONDS)
    arrived, uidl, flags = row
    return MessageAttributes(
        arrived / MICROSECONDS, uidl, bool(flags & SMTPUTF8), bool(flags & REQUIRETLS)
    )


@contextmanager
def _one_state(connection: sqlite3.Connection) -> Iterator[None]:
    """Let all reads of the block see the same state of the database."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def _row(connection: sqlite3.Connection, address: str) -> tuple[int, int, int] | None:
    query = "SELECT id, change, messages FROM mailboxes WHERE address = ?"
    row: tuple[int, int, int] | None = connection.execute(query, (address,)).fetchone()
    return row


def uidl_expression(connection: sqlite3.Connection) -> str:
    """Return the SQL for the unique-id of a row of `messages`."""
    epochs = connection.execute("SELECT name, first_number FROM epochs ORDER BY id").fetchall()
    name = f"'{epochs[0][0]}.'"
    for later, first_number in epochs[1:]:
        name = f"CASE WHEN number >= {int(first_number)} THEN '{later}.' ELSE {name} END"
    return f"coalesce(uidl, {name} || number)"


def _load(connection: sqlite3.Connection, address: str, row: tuple[int, int, int]) -> Listing:
    mailbox, change, messages = row
    listing = Listing(mailbox, change)
    query = (
        "SELECT group_concat(place), group_concat(number), group_concat(octets),"
        f" group_concat(uidl, ' '), group_concat(CASE WHEN flags & {SMTPUTF8} THEN number END)"
        " FROM (SELECT place, number, octets, flags,"
        f" {uidl_expression(connection)} AS uidl FROM messages"
        " WHERE mailbox = ? AND (place, number) > (?, ?)"
        f" ORDER BY place, number LIMIT {_BLOCK})"
    )
    sizes, uidls, last = array("Q"), [], (-1 << 62, 0)
    internationalized: set[int] = set()
    while len(sizes) < messages:
        places, numbers, octets, names, marked = connection.execute(
            query, (mailbox, *last)
        ).fetchone()
        if places is None:
            break
        listing.places.extend(map(int, places.split(",")))
        listing.numbers.extend(map(int, numbers.split(",")))
        sizes.extend(map(int, octets.split(",")))
        uidls += names.split(" ")
        if marked is not None:
            internationalized.update(map(int, marked.split(",")))
        last = (listing.places[-1], listing.numbers[-1])
    if not len(sizes) == len(uidls) == messages:
        raise Damaged(f"the mailbox {address} has {len(sizes)} of its {messages} messages")
    smtputf8 = [
        index
        for index, number in enumerate(listing.numbers if internationalized else ())
        if number in internationalized
    ]
    listing.snapshot = Snapshot(sizes, uidls, smtputf8)
    return listing


class ListingCache:
    """Keeps the listings of the mailboxes used last, up to a number of messages in all."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._listings: OrderedDict[str, Listing] = OrderedDict()
        self._messages = 0

    def get(self, address: str) -> Listing | None:
        """Return the listing of a mailbox, current or not."""
        listing = self._listings.get(address)
        if listing is not None:
            self._listings.move_to_end(address)
        return listing

    def put(self, address: str, listing: Listing) -> None:
        """Keep a listing, unless it alone is beyond the bound."""
        old = self._listings.pop(address, None)
        if old is not None:
            self._messages -= _cost(old)
        if _cost(listing) > self._bound:
            return
        self._listings[address] = listing
        self._messages += _cost(listing)
        while self._messages > self._bound:
            self._messages -= _cost(self._listings.popitem(last=False)[1])


def _cost(listing: Listing) -> int:
    # An empty one takes as much memory as a few messages.
    return len(listing) + 8
