"""How the SQLite store stores and deletes: batches, large bodies, unique-ids, the log."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, maybeDeferred

from gateway.store.interfaces import MessageAttributes, StoreError
from gateway.store.sqlite.creation import begin_epoch
from gateway.store.sqlite.database import Database, transaction
from tests.store.conformance import ANNA, BERT, contents, deliver, opened, read_all, result, uidls
from tests.store.sqlite_place import SQLitePlace
from tests.store.turns import Turns

LARGE = b"0123456789abcd\r\n" * 12_500


@pytest.fixture
def place(tmp_path: Path) -> Iterator[SQLitePlace]:
    with closing(SQLitePlace(tmp_path)) as place:
        yield place


class Threads:
    """Calls that wait until they are let go."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Deferred[Any], Any, Any]] = []

    def __call__(self, function: Any, *arguments: Any) -> Deferred[Any]:
        deferred: Deferred[Any] = Deferred()
        self.waiting.append((deferred, function, arguments))
        return deferred

    def run_next(self) -> None:
        deferred, function, arguments = self.waiting.pop(0)
        maybeDeferred(function, *arguments).chainDeferred(deferred)


def begin(store: Any, octets: bytes, *mailboxes: str, **attributes: Any) -> Deferred[Any]:
    """Begin to store a message."""
    writer = store.begin_delivery(MessageAttributes(**attributes))
    writer.write(octets)
    answer: Deferred[Any] = writer.commit(mailboxes or (ANNA,))
    return answer


def remove(place: SQLitePlace, mailbox: str, *indexes: int) -> None:
    maildrop = opened(place.store, mailbox)
    assert result(maildrop.commit(indexes)) == []
    maildrop.release()


class TestGroupCommit:
    def test_what_is_ready_goes_together(self, place: SQLitePlace) -> None:
        threads = Threads()
        store = place.another(threads)
        answers = [begin(store, b"%d\r\n" % number) for number in range(4)]
        assert len(threads.waiting) == 1
        threads.run_next()
        assert [answer.called for answer in answers] == [True, False, False, False]
        assert contents(place.store) == [b"0\r\n"]
        assert len(threads.waiting) == 1
        answers.append(begin(store, b"4\r\n"))
        threads.run_next()
        assert [answer.called for answer in answers] == [True, True, True, True, False]
        threads.run_next()
        assert contents(place.store) == [b"%d\r\n" % number for number in range(5)]
        assert [result(answer)[0].uidl for answer in answers] == uidls(place.store)
        assert threads.waiting == []

    def test_one_turn_of_the_reactor_is_one_commit_in_a_thread(self, place: SQLitePlace) -> None:
        turns = Turns()
        store = place.another(reactor=turns)
        answers = [begin(store, b"%d\r\n" % number) for number in range(3)]
        turns.end_turn()
        answers.append(begin(store, b"3\r\n"))
        turns.end_turn()
        assert not any(answer.called for answer in answers)
        turns.wait_for_thread()
        assert [answer.called for answer in answers] == [True, True, True, False]
        assert len(uidls(place.store)) >= 3
        turns.wait_for_thread()
        assert contents(place.store) == [b"%d\r\n" % number for number in range(4)]

    def test_a_stop_waits_for_what_was_handed_in(self, place: SQLitePlace) -> None:
        turns = Turns()
        store = place.another(reactor=turns)
        answer = begin(store, b"late\r\n")
        stopped = store.stop()
        assert not stopped.called
        turns.end_turn()
        turns.wait_for_thread()
        assert answer.called
        assert stopped.called
        assert contents(place.store) == [b"late\r\n"]

    def test_one_that_fails_does_not_harm_the_others(self, place: SQLitePlace) -> None:
        threads = Threads()
        store = place.another(threads)
        first = begin(store, b"first\r\n")
        good = [begin(store, b"%d\r\n" % number) for number in range(2)]
        bad = begin(store, b"bad\r\n", "no\ud800text@example.com")
        threads.run_next()
        threads.run_next()
        result(first)
        for answer in good:
            result(answer)
        with pytest.raises(StoreError, match="not possible"):
            result(bad)
        assert sorted(contents(place.store)) == [b"0\r\n", b"1\r\n", b"first\r\n"]

    def test_stop_waits_for_what_was_asked(self, place: SQLitePlace) -> None:
        threads = Threads()
        store = place.another(threads)
        answers = [begin(store, b"%d\r\n" % number) for number in range(2)]
        stopped = store.stop()
        threads.run_next()
        assert not stopped.called
        while threads.waiting:
            threads.run_next()
        assert stopped.called
        place.stores.remove(store)
        for answer in answers:
            result(answer)
        assert len(contents(place.store)) == 2


class TestLargeBodies:
    def test_a_file_named_by_the_row(self, place: SQLitePlace) -> None:
        deliver(place.store, [LARGE[:100_000], LARGE[100_000:]], ANNA, BERT)
        deliver(place.store, b"small\r\n")
        (file,) = place.files()
        assert file.read_bytes() == LARGE
        assert place.query("SELECT name FROM files") == [(file.name,)]
        assert place.query("SELECT digest, copies FROM bodies ORDER BY number")[0] == (
            hashlib.sha256(LARGE).digest(),
            2,
        )
        assert not list(place.layout.arriving.rglob(file.name))

    def test_it_goes_with_its_last_copy(self, place: SQLitePlace) -> None:
        deliver(place.store, LARGE, ANNA, BERT)
        remove(place, ANNA, 0)
        assert contents(place.store, BERT) == [LARGE]
        remove(place, BERT, 0)
        assert place.files() == []
        for table in ("messages", "bodies", "contents", "files", "dead_files"):
            assert place.query(f"SELECT count(*) FROM {table}") == [(0,)]

    def test_it_stays_while_a_backup_needs_it(self, place: SQLitePlace) -> None:
        deliver(place.store, LARGE)
        with place.layout.keep_files.open("w") as keep:
            fcntl.flock(keep, fcntl.LOCK_SH)
            remove(place, ANNA, 0)
            assert len(place.files()) == 1
        deliver(place.store, b"small\r\n")
        remove(place, ANNA, 0)
        assert place.files() == []

    def test_it_can_be_read_while_it_is_deleted(self, place: SQLitePlace) -> None:
        deliver(place.store, LARGE)
        maildrop = opened(place.store)
        reader = result(maildrop.open_message(0))
        first = reader.read()
        result(maildrop.commit([0]))
        assert place.files() == []
        blocks = [first]
        while block := reader.read():
            blocks.append(block)
        assert b"".join(blocks) == LARGE

    def test_abort_leaves_no_file(self, place: SQLitePlace) -> None:
        writer = place.store.begin_delivery(MessageAttributes())
        result(writer.write(LARGE))
        writer.abort()
        folders = (place.layout.large, place.layout.arriving)
        left = [path.name for folder in folders for path in folder.rglob("*") if path.is_file()]
        assert sorted(left) == [".alive", ".lock"]

    def test_what_a_dead_process_left(self, place: SQLitePlace) -> None:
        deliver(place.store, LARGE)
        (kept,) = place.files()
        dead = place.layout.arriving / "1-dead"
        dead.mkdir()
        (dead / kept.name).hardlink_to(kept)
        lost = kept.with_name(kept.name[:2] + "0" * 30)
        lost.write_bytes(LARGE)
        (dead / lost.name).hardlink_to(lost)
        place.restart()
        assert place.files() == [kept]
        assert not dead.exists()
        assert contents(place.store) == [LARGE]


class TestUniqueIds:
    def test_an_epoch_begins(self, place: SQLitePlace) -> None:
        before = deliver(place.store, b"1\r\n")[0].uidl
        lost = deliver(place.store, b"2\r\n")[0].uidl
        remove(place, ANNA, 1)
        database = Database(place.layout)
        with database.connection() as connection, transaction(connection):
            connection.execute("UPDATE store SET next_number = 2")
            begin_epoch(connection)
        database.close()
        after = deliver(place.store, b"3\r\n")[0].uidl
        assert uidls(place.store) == [before, after]
        assert after.partition(".")[2] == lost.partition(".")[2]
        assert after != lost

    def test_one_of_ours_is_not_taken_from_outside(self, place: SQLitePlace) -> None:
        ours = deliver(place.store, b"1\r\n")[0].uidl
        name, _, number = ours.partition(".")
        for uidl in (ours, f"{name}.{int(number) + 1}"):
            deliver(place.store, b"2\r\n", attributes=MessageAttributes(uidl=uidl))
        assert len({*uidls(place.store)}) == 3

    def test_one_of_ours_comes_back(self, place: SQLitePlace) -> None:
        ours = deliver(place.store, b"1\r\n")[0].uidl
        remove(place, ANNA, 0)
        deliver(place.store, b"1\r\n", attributes=MessageAttributes(uidl=ours))
        assert uidls(place.store) == [ours]

    def test_two_stores_differ(self, place: SQLitePlace, tmp_path: Path) -> None:
        with closing(SQLitePlace(tmp_path / "other")) as other:
            ours, theirs = (deliver(one.store, b"1\r\n")[0].uidl for one in (place, other))
        assert ours != theirs


class TestOrder:
    def test_a_clock_that_goes_back(
        self, place: SQLitePlace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for seconds in (2_000_000_000, 1_900_000_000, 1_900_000_000):
            monkeypatch.setattr("time.time_ns", lambda seconds=seconds: seconds * 10**9)
            deliver(place.store, b"%d\r\n" % len(contents(place.store)))
            place.restart()
        assert contents(place.store) == [b"0\r\n", b"1\r\n", b"2\r\n"]
        assert opened(place.store).attributes(2).arrived == 1_900_000_000

    def test_more_than_one_block(self, place: SQLitePlace) -> None:
        deliver(place.store, b"0\r\n")
        place.query(
            "WITH RECURSIVE n (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < 2500)"
            " INSERT INTO messages SELECT mailbox, place + n, n, n, arrived, 0, NULL"
            " FROM messages, n"
        )
        place.query("UPDATE mailboxes SET messages = 2500, change = change + 1")
        snapshot = opened(place.store).snapshot
        assert list(snapshot.sizes) == [3, *range(2, 2501)]
        assert [int(uidl.partition(".")[2]) for uidl in snapshot.uidls] == [*range(1, 2501)]


class TestLog:
    def test_it_does_not_grow_for_ever(self, place: SQLitePlace) -> None:
        for _ in range(600):
            deliver(place.store, b"x" * 60_000 + b"\r\n")
        log = place.layout.database.with_name("mail.sqlite-wal")
        assert place.layout.database.stat().st_size > 20_000_000
        assert log.stat().st_size < 20_000_000

    def test_space_is_used_again(self, place: SQLitePlace) -> None:
        def round_of_mail() -> int:
            for _ in range(50):
                deliver(place.store, b"x" * 60_000 + b"\r\n")
            remove(place, ANNA, *range(50))
            place.restart()
            return place.layout.database.stat().st_size

        first = round_of_mail()
        assert round_of_mail() <= first * 1.1

    def test_snapshots_are_shared_while_nothing_changes(self, place: SQLitePlace) -> None:
        deliver(place.store, b"1\r\n")
        first = opened(place.store)
        first.release()
        deliver(place.store, b"x\r\n", BERT)
        second = opened(place.store)
        assert second.snapshot is first.snapshot
        second.release()
        deliver(place.another(), b"2\r\n")
        assert len(opened(place.store).snapshot) == 2


def test_reading_while_the_database_is_locked(place: SQLitePlace) -> None:
    deliver(place.store, b"1\r\n")
    maildrop = opened(place.store)
    database = Database(place.layout)
    with database.connection() as connection:
        connection.execute("BEGIN IMMEDIATE")
        assert read_all(maildrop, 0) == b"1\r\n"
    database.close()
