"""Deleting many messages: exactly those, at once, and their room is given back little by little."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.store.interfaces import MessageAttributes
from gateway.store.sqlite import SQLiteStore
from gateway.store.sqlite.batch import BatchWriter
from gateway.store.sqlite.checking import check
from gateway.store.sqlite.jobs import Delivery
from gateway.store.sqlite.rows import MOST_ROWS
from gateway.store.sqlite.selection import conditions
from tests.store.conformance import ANNA, BERT, contents, deliver, opened, result, uidls
from tests.store.sqlite_place import SQLitePlace
from tests.store.turns import Turns

MANY = 600


@pytest.fixture
def place(tmp_path: Path) -> Iterator[SQLitePlace]:
    with closing(SQLitePlace(tmp_path)) as place:
        yield place


@pytest.fixture
def many(place: SQLitePlace) -> SQLitePlace:
    """A store with many messages of Anna's."""
    fill(place, range(MANY))
    return place


def fill(place: SQLitePlace, numbers: Sequence[int], **attributes: Any) -> None:
    jobs = [
        Delivery((ANNA,), MessageAttributes(**attributes), b"%d\r\n" % number) for number in numbers
    ]
    BatchWriter(place.store._database).write(jobs)


def delete(place: SQLitePlace, indexes: Sequence[int]) -> None:
    maildrop = opened(place.store)
    assert result(maildrop.commit(indexes)) == []
    maildrop.release()


def delete_all_in_a_thread(many: SQLitePlace) -> tuple[Turns, SQLiteStore]:
    """Delete with a store that has its writer's thread; return what drives that, and the store."""
    turns = Turns()
    store = many.another(reactor=turns)
    maildrop = opened(store)
    answer = maildrop.commit(range(MANY))
    turns.end_turn()
    turns.wait_for_thread()
    assert result(answer) == []
    maildrop.release()
    return turns, store


def assert_whole(place: SQLitePlace) -> None:
    with place.store._database.connection() as connection:
        assert list(check(place.layout, connection, lambda: None, repair=False)) == []


@pytest.mark.parametrize(
    "indexes",
    [range(MANY), range(1, MANY - 1), range(0, MANY, 2), [*range(50), *range(70, MANY, 7)]],
    ids=["all", "a long run", "each second", "a run and some"],
)
def test_exactly_those_are_deleted(many: SQLitePlace, indexes: Sequence[int]) -> None:
    delete(many, indexes)
    left = sorted(set(range(MANY)) - set(indexes))
    assert contents(many.store) == [b"%d\r\n" % number for number in left]
    assert many.query("SELECT count(*) FROM bodies") == [(len(left),)]
    assert many.query("SELECT count(*) FROM contents") == [(len(left),)]
    assert_whole(many)


def test_one_that_came_between_them_stays(many: SQLitePlace) -> None:
    maildrop = opened(many.store)
    place_of_200 = maildrop._listing.places[200]
    fill(many, [-1], arrived=place_of_200 / 1_000_000)
    assert result(maildrop.commit(range(MANY))) == []
    maildrop.release()
    assert contents(many.store) == [b"-1\r\n"]
    assert_whole(many)


def test_one_that_was_gone_does_not_matter(many: SQLitePlace) -> None:
    maildrop = opened(many.store)
    many.remove_behind_its_back(ANNA, 100)
    assert result(maildrop.commit(range(MANY - 1))) == []
    maildrop.release()
    assert contents(many.store) == [b"%d\r\n" % (MANY - 1)]


def test_a_copy_of_another_user_stays(place: SQLitePlace) -> None:
    jobs = [Delivery((ANNA, BERT), MessageAttributes(), b"%d\r\n" % number) for number in range(90)]
    BatchWriter(place.store._database).write(jobs)
    delete(place, range(90))
    assert uidls(place.store) == []
    assert contents(place.store, BERT) == [b"%d\r\n" % number for number in range(90)]
    assert_whole(place)


def test_a_run_is_found_by_one_range(many: SQLitePlace) -> None:
    maildrop = opened(many.store)
    runs = list(maildrop._listing.runs(range(MANY)))
    maildrop.release()
    with many.store._database.connection() as connection:
        found = list(conditions(connection, maildrop._listing.mailbox, runs))
        assert len(found) == 1
        scattered = maildrop._listing.runs(range(0, MANY, 2))
        for where, values in [*found, *conditions(connection, 1, scattered)]:
            plan = connection.execute(
                f"EXPLAIN QUERY PLAN DELETE FROM messages WHERE {where}", values
            )
            assert "PRIMARY KEY (mailbox=? AND " in str(plan.fetchall())


def test_all_are_gone_before_their_room_is_given_back(many: SQLitePlace) -> None:
    turns, _ = delete_all_in_a_thread(many)
    assert contents(many.store) == []
    # The thread may have given back the first portion by now.
    ((dead,),) = many.query("SELECT count(*) FROM bodies WHERE copies <= 0")
    assert dead in (MANY, MANY - MOST_ROWS)
    assert_whole(many)
    left = []
    while count := many.query("SELECT count(*) FROM contents")[0][0]:
        left.append(count)
        turns.end_turn()
        turns.wait_for_thread()
    assert (
        max(before - after for before, after in zip(left, [*left[1:], 0], strict=True)) == MOST_ROWS
    )
    assert_whole(many)


def test_a_delivery_goes_between(many: SQLitePlace) -> None:
    turns = Turns()
    store = many.another(reactor=turns)
    maildrop = opened(store)
    maildrop.commit(range(MANY))
    turns.end_turn()
    turns.wait_for_thread()
    writer = store.begin_delivery(MessageAttributes())
    writer.write(b"new\r\n")
    stored = writer.commit((BERT,))
    for _ in range(2):
        turns.end_turn()
        turns.wait_for_thread()
    assert stored.called
    assert many.query("SELECT count(*) FROM contents")[0][0] > MOST_ROWS


def test_a_body_that_waits_for_its_removal_is_no_fault(many: SQLitePlace) -> None:
    with closing(sqlite3.connect(many.layout.database)) as connection, connection:
        connection.execute("UPDATE bodies SET copies = 0 WHERE number <= 100")
        connection.execute("DELETE FROM messages WHERE number <= 100")
        connection.execute(
            "UPDATE mailboxes SET messages = messages - 100, octets ="
            " (SELECT sum(octets) FROM messages)"
        )
    assert_whole(many)
    assert contents(many.store) == [b"%d\r\n" % number for number in range(100, MANY)]


def test_what_a_stop_leaves_dead_is_swept_after_the_next_start(many: SQLitePlace) -> None:
    turns, store = delete_all_in_a_thread(many)
    stopped = store.stop()
    while not stopped.called:
        turns.end_turn()
        turns.wait_for_thread()
    turns.end_turn()
    many.stores.remove(store)
    (left,) = many.query("SELECT count(*) FROM bodies WHERE copies <= 0")[0]
    assert left >= MANY - 2 * MOST_ROWS

    store = many.another(reactor=turns)
    assert many.query("SELECT count(*) FROM bodies WHERE copies <= 0") == [(left,)]
    while many.query("SELECT count(*) FROM bodies") != [(0,)]:
        turns.end_turn()
        turns.wait_for_thread()
    assert many.told == []


def test_a_start_with_nothing_dead_asks_for_no_thread(place: SQLitePlace) -> None:
    turns = Turns()
    place.another(reactor=turns)
    assert turns.getDelayedCalls() == []


def test_what_a_crash_left_of_the_deleted_goes_at_the_next_start(many: SQLitePlace) -> None:
    deliver(many.store, b"x" * 100_000 + b"\r\n")
    (large,) = many.files()
    # As right after the transaction that deletes, before anything that follows it.
    many.query("DELETE FROM messages WHERE mailbox = 1")
    many.query("UPDATE mailboxes SET messages = 0, octets = 0, change = change + 1")
    many.query("UPDATE bodies SET copies = 0")
    many.restart()
    for table in ("bodies", "contents", "files", "dead_files"):
        assert many.query(f"SELECT count(*) FROM {table}") == [(0,)], table
    assert not large.exists()
    assert_whole(many)


def test_a_start_removes_nothing_that_a_backup_needs(many: SQLitePlace) -> None:
    deliver(many.store, b"x" * 100_000 + b"\r\n")
    (large,) = many.files()
    many.query("DELETE FROM messages WHERE mailbox = 1")
    many.query("UPDATE mailboxes SET messages = 0, octets = 0, change = change + 1")
    many.query("UPDATE bodies SET copies = 0")
    with many.layout.keep_files.open("wb") as needed:
        fcntl.flock(needed, fcntl.LOCK_SH)
        many.restart()
        assert large.exists()
    many.restart()
    assert not large.exists()
