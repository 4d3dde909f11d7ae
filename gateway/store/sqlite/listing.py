"""The messages of a mailbox as they lie in the database."""

from __future__ import annotations

import sqlite3
from array import array
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from gateway.store.interfaces import MessageAttributes, Snapshot
from gateway.store.sqlite.columns import BLOCK, Column
from gateway.store.sqlite.errors import Damaged
from gateway.store.sqlite.insertion import MICROSECONDS
from gateway.store.sqlite.schema import REQUIRETLS, SMTPUTF8
from gateway.store.sqlite.selection import Run

SMALL = 64
"""A mailbox of so many messages is listed as fast as an indexed look-up."""


class Listing:
    """The messages of a mailbox in order of arrival, and where each of them lies."""

    __slots__ = ("change", "mailbox", "numbers", "places", "snapshot")

    def __init__(self, mailbox: int, change: int) -> None:
        self.mailbox = mailbox
        """Its row; 0 where it has none yet."""
        self.change = change
        """The last change of the mailbox that is in here."""
        self.places = Column()
        self.numbers = Column()
        self.snapshot = Snapshot((), ())

    def __len__(self) -> int:
        return len(self.numbers)

    def key(self, index: int) -> tuple[int, int, int]:
        """Return mailbox, place and number of the message at `index`."""
        return self.mailbox, self.places[index], self.numbers[index]

    def runs(self, indexes: Sequence[int]) -> Iterator[Run]:
        """Yield place and number of the messages at `indexes`, sorted, as runs without a gap."""
        run: list[tuple[int, int]] = []
        expected = 0
        for index in indexes:
            if index != expected and run:
                yield run
                run = []
            run.append((self.places[index], self.numbers[index]))
            expected = index + 1
        if run:
            yield run


def load_if_small(
    connection: sqlite3.Connection, address: str, known: Listing | None
) -> Listing | None:
    """Return the listing of a mailbox where that takes no time, else None.

    @param known: what it was before; it is returned where nothing has changed.
    @raise Damaged: the mailbox does not hold what it says it holds.
    """
    row = _row(connection, address)
    # What one statement reads is of one state in any case.
    if row is not None and known is not None and (known.mailbox, known.change) == row[:2]:
        return known
    with _one_state(connection):
        row = _row(connection, address)
        if row is None:
            return Listing(0, 0)
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
    return attributes_of(*row)


def attributes_of(arrived: int, uidl: str | None, flags: int) -> MessageAttributes:
    """Return what these columns of `messages` say."""
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
    epochs = _epochs(connection)
    name = f"'{epochs[0][0]}.'"
    for later, first_number in epochs[1:]:
        name = f"CASE WHEN number >= {int(first_number)} THEN '{later}.' ELSE {name} END"
    return f"coalesce(uidl, {name} || number)"


def _epochs(connection: sqlite3.Connection) -> list[tuple[str, int]]:
    return connection.execute("SELECT name, first_number FROM epochs ORDER BY id").fetchall()


_COLUMNS = "group_concat(place), group_concat(number), group_concat(octets), max(flags)"
_GIVEN = "SELECT EXISTS (SELECT 1 FROM messages WHERE mailbox = ? AND uidl IS NOT NULL)"
_RANGE = ", min(number), max(number)"
_BLOCK_OF_ROWS = (
    "SELECT {} FROM (SELECT place, number, octets, flags, uidl FROM messages"
    f" WHERE mailbox = ? AND (place, number) > (?, ?) ORDER BY place, number LIMIT {BLOCK})"
)


class _Loading:
    """Reads the messages of a mailbox, a block at a time, with as few columns as will do."""

    def __init__(self, connection: sqlite3.Connection, listing: Listing) -> None:
        self._connection = connection
        self._listing = listing
        self._epochs = _epochs(connection)
        columns = _COLUMNS if len(self._epochs) == 1 else _COLUMNS + _RANGE
        self._query = _BLOCK_OF_ROWS.format(columns)
        (self._has_given,) = connection.execute(_GIVEN, (listing.mailbox,)).fetchone()
        self._after = (listing.mailbox, -1 << 62, 0)
        self.sizes = array("Q")
        self.uidls: list[str] = []
        self.smtputf8: list[int] = []

    def next_block(self) -> bool:
        """Read a block; return whether there was one."""
        row = self._connection.execute(self._query, self._after).fetchone()
        places, numbers, octets, flags, *range_ = row
        if places is None:
            return False
        before = len(self.sizes)
        self.sizes.extend(map(int, octets.split(",")))
        if flags or self._has_given or not self._of_one_epoch(range_):
            self._read_special(before)
        else:
            prefix = self._epoch(range_[0] if range_ else 0) + "."
            self.uidls += (prefix + numbers.replace(",", "," + prefix)).split(",")
        self._listing.places.append(places, len(self.sizes) - before)
        self._listing.numbers.append(numbers, len(self.sizes) - before)
        place, number = places.rpartition(",")[2], numbers.rpartition(",")[2]
        self._after = (self._listing.mailbox, int(place), int(number))
        return True

    def _read_special(self, before: int) -> None:
        """Read what has unique-ids of several kinds, or flags."""
        uidl, flags = uidl_expression(self._connection), f"flags & {SMTPUTF8}"
        query = _BLOCK_OF_ROWS.format(f"group_concat({uidl}, ' '), group_concat({flags}, '')")
        uidls, marks = self._connection.execute(query, self._after).fetchone()
        self.uidls += uidls.split(" ")
        self.smtputf8 += [before + at for at, mark in enumerate(marks) if mark != "0"]

    def _of_one_epoch(self, range_: list[int]) -> bool:
        return not range_ or self._epoch(range_[0]) == self._epoch(range_[1])

    def _epoch(self, number: int) -> str:
        later = [name for name, first in self._epochs[1:] if first <= number]
        return later[-1] if later else self._epochs[0][0]


def _load(connection: sqlite3.Connection, address: str, row: tuple[int, int, int]) -> Listing:
    mailbox, change, messages = row
    listing = Listing(mailbox, change)
    loading = _Loading(connection, listing)
    while loading.next_block():
        pass
    if not len(loading.sizes) == len(loading.uidls) == messages:
        raise Damaged(f"the mailbox {address} has {len(listing)} of its {messages} messages")
    listing.snapshot = Snapshot(loading.sizes, loading.uidls, loading.smtputf8)
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
