"""A large mailbox is listed in blocks: whatever lies in them, in whichever order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.store.interfaces import MessageAttributes
from gateway.store.sqlite.batch import BatchWriter
from gateway.store.sqlite.columns import BLOCK, Column
from gateway.store.sqlite.creation import begin_epoch
from gateway.store.sqlite.jobs import Delivery
from gateway.store.sqlite.listing import uidl_expression
from tests.store.conformance import ANNA, BERT, opened
from tests.store.sqlite_place import SQLitePlace

PLAIN = MessageAttributes()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[SQLitePlace]:
    with closing(SQLitePlace(tmp_path)) as place:
        yield place


def fill(place: SQLitePlace, *attributes: MessageAttributes) -> None:
    """Store a message in Anna's mailbox for each, all of different sizes."""
    jobs = [
        Delivery((ANNA,), each, b"x" * (number % 700) + b"\r\n")
        for number, each in enumerate(attributes)
    ]
    database = place.store._database
    for start in range(0, len(jobs), 250):
        BatchWriter(database).write(jobs[start : start + 250])


def assert_listed(place: SQLitePlace) -> None:
    """The snapshot, and where its messages lie, are what the rows say."""
    with place.store._database.connection() as connection:
        query = (
            f"SELECT place, number, octets, flags & 1, {uidl_expression(connection)}"
            " FROM messages ORDER BY place, number"
        )
        rows = connection.execute(query).fetchall()
    maildrop = opened(place.store, ANNA)
    listing = maildrop._listing
    assert [*zip(listing.places, listing.numbers, maildrop.snapshot.sizes, strict=True)] == [
        row[:3] for row in rows
    ]
    assert list(maildrop.snapshot.smtputf8) == [at for at, row in enumerate(rows) if row[3]]
    assert maildrop.snapshot.uidls == [row[4] for row in rows]
    maildrop.release()


@pytest.mark.parametrize("count", [BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 500])
def test_messages_of_one_kind(place: SQLitePlace, count: int) -> None:
    fill(place, *[PLAIN] * count)
    assert_listed(place)


def test_unique_ids_that_were_given_among_our_own(place: SQLitePlace) -> None:
    given = [MessageAttributes(uidl=f"given-{number}") for number in range(BLOCK // 2)]
    fill(place, *[PLAIN] * BLOCK, *given, *[PLAIN] * BLOCK, *[PLAIN] * BLOCK)
    assert_listed(place)


def test_epochs_that_begin_within_a_block_and_between_two(place: SQLitePlace) -> None:
    for count in (BLOCK // 2, BLOCK // 2, BLOCK, 20):
        fill(place, *[PLAIN] * count)
        with place.store._database.connection() as connection:
            begin_epoch(connection)
    fill(place, *[MessageAttributes(arrived=1.0 + number) for number in range(30)])
    assert_listed(place)


def test_attributes_in_a_later_block(place: SQLitePlace) -> None:
    marks = (MessageAttributes(smtputf8=True), MessageAttributes(requiretls=True), PLAIN)
    fill(place, *[PLAIN] * BLOCK, *marks, *[PLAIN] * BLOCK, *marks)
    assert_listed(place)


def test_the_same_time_of_arrival_for_all(place: SQLitePlace) -> None:
    fill(place, *[MessageAttributes(arrived=1_700_000_000.0)] * (BLOCK + 5))
    assert_listed(place)


def test_a_mailbox_beside_a_larger_one(place: SQLitePlace) -> None:
    BatchWriter(place.store._database).write([Delivery((BERT,), PLAIN, b"his\r\n")])
    fill(place, *[PLAIN] * 3)
    assert len(opened(place.store, ANNA).snapshot) == 3
    assert len(opened(place.store, BERT).snapshot) == 1


def test_a_column_is_read_by_index() -> None:
    column = Column()
    column.append(",".join(str(number) for number in range(BLOCK)), BLOCK)
    column.append("-7,8", 2)
    assert len(column) == BLOCK + 2
    assert [column[0], column[BLOCK - 1], column[BLOCK], column[BLOCK + 1]] == [0, 999, -7, 8]
    with pytest.raises(IndexError):
        column[BLOCK + 2]
