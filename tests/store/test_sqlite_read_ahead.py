"""Messages that are read together: the same octets in any order, in no more memory than allowed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.store.interfaces import StoreError
from gateway.store.sqlite.read_ahead import TOGETHER, TOGETHER_OCTETS, ReadAhead, ReadAheads
from tests.store.conformance import ANNA, BERT, deliver, opened, read_all, result
from tests.store.sqlite_place import SQLitePlace

COUNT = 3 * TOGETHER


@pytest.fixture
def place(tmp_path: Path) -> Iterator[SQLitePlace]:
    with closing(SQLitePlace(tmp_path)) as place:
        yield place


def message(number: int, octets: int = 100) -> bytes:
    return b"%06d\r\n" % number + b"x" * octets + b"\r\n"


def fill(place: SQLitePlace, mailbox: str = ANNA, octets: int = 100) -> list[bytes]:
    messages = [message(number, octets) for number in range(COUNT)]
    for one in messages:
        deliver(place.store, one, mailbox)
    return messages


def asked(place: SQLitePlace, read: Any) -> int:
    """Count the questions that the reactor thread asks the database meanwhile."""
    statements: list[str] = []
    quick = place.store._database.quick
    assert quick is not None
    quick.set_trace_callback(statements.append)
    read()
    quick.set_trace_callback(None)
    return len(statements)


def test_who_reads_one_after_the_other_asks_seldom(place: SQLitePlace) -> None:
    messages, found = fill(place), []
    maildrop = opened(place.store)
    count = asked(place, lambda: found.extend(read_all(maildrop, n) for n in range(COUNT)))
    assert found == messages
    assert count == 1 + -(-(COUNT - 1) // TOGETHER)
    maildrop.release()
    assert place.store._read_aheads.octets == 0


@pytest.mark.parametrize("seed", range(5))
def test_in_any_order_it_is_the_same(place: SQLitePlace, seed: int) -> None:
    chance = random.Random(seed)
    messages = fill(place)
    maildrop = opened(place.store)
    index = 0
    for _ in range(200):
        index = chance.choice([index + 1, index + 1, index + 1, index, chance.randrange(COUNT)])
        index %= COUNT
        assert read_all(maildrop, index) == messages[index]
    maildrop.release()
    assert place.store._read_aheads.octets == 0


def test_large_ones_are_read_one_by_one(place: SQLitePlace) -> None:
    octets = TOGETHER_OCTETS * 2 // 3
    messages = [message(number, octets) for number in range(4)]
    messages.append(message(4, 3 * TOGETHER_OCTETS))  # in a file
    messages.append(message(5))
    for one in messages:
        deliver(place.store, one)
    maildrop = opened(place.store)
    for number, one in enumerate(messages):
        assert read_all(maildrop, number) == one
        assert place.store._read_aheads.octets == 0
    maildrop.release()


def test_one_that_is_damaged_or_gone_harms_no_other(place: SQLitePlace) -> None:
    messages = fill(place)
    maildrop = opened(place.store)
    numbers = [row[0] for row in place.query("SELECT number FROM messages ORDER BY place, number")]
    place.query("UPDATE contents SET content = x'00' WHERE number = ?", numbers[3])
    place.query("DELETE FROM contents WHERE number = ?", numbers[5])
    place.remove_behind_its_back(ANNA, 7)
    for number, one in enumerate(messages):
        if number in (3, 5, 7):
            with pytest.raises(StoreError):
                result(maildrop.open_message(number))
        else:
            assert read_all(maildrop, number) == one
    maildrop.release()


def test_who_began_first_gives_way(place: SQLitePlace) -> None:
    messages = fill(place)
    fill(place, BERT)
    each = sum(map(len, messages[:TOGETHER]))
    place.store._read_aheads = ReadAheads(most_octets=each * 3 // 2)
    anna, bert = opened(place.store), opened(place.store, BERT)
    for number in range(2):
        for maildrop in (anna, bert):
            assert read_all(maildrop, number) == messages[number]
            assert place.store._read_aheads.octets <= each * 3 // 2
    assert asked(place, lambda: read_all(bert, 2)) == 0
    assert asked(place, lambda: read_all(anna, 2)) == 1
    for number in range(3, COUNT):
        assert read_all(anna, number) == read_all(bert, number) == messages[number]
    anna.release()
    bert.release()
    assert place.store._read_aheads.octets == 0


def test_nothing_is_left_of_what_was_replaced() -> None:
    shared = ReadAheads(most_octets=1000)
    session = ReadAhead(shared, [10] * 10)
    session.keep(0, [b"a" * 10, b"b" * 10])
    session.keep(4, [b"c" * 10])
    assert shared.octets == 10
    assert session.take(0) is None
    assert session.take(4) == b"c" * 10
    assert session.take(4) is None
    assert shared.octets == 0
    session.keep(4, [])
    session.clear()
    assert shared.octets == 0
