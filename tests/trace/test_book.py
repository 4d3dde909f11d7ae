"""The trace: from events to rows, and from rows to the life of a message."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from gateway import events
from gateway.accounts.sqlite_file import SQLiteFile
from gateway.client import Client
from gateway.trace.book import DAY_SECONDS, TraceBook
from gateway.trace.gathering import Gathering
from gateway.trace.rows import Row, is_traced
from gateway.trace.schema import STEPS

SENDER = Client("smtp", "192.0.2.1", id="s1")
ANNA = "anna@example.com"
BERT = "bert@example.com"


def reader(user: str) -> Client:
    return Client("pop3s", "192.0.2.9", id="p1", user=user)


def stored(id_: str, *mailboxes: str, at: float = 1000.0, **values: Any) -> events.MessageStored:
    copies = tuple((mailbox, f"u-{id_}") for mailbox in mailboxes)
    return events.MessageStored(
        SENDER, id_, "x@example.org", mailboxes, copies, 70, at, f"<{id_}@example.org>", **values
    )


def write(book: TraceBook, *told: tuple[events.Event, float]) -> None:
    gathering = Gathering()
    for event, now in told:
        gathering.add(event, now)
    book.write(gathering.take())
    assert not gathering


def life(book: TraceBook, message: str) -> list[tuple[float, str, str | None]]:
    return [(row.at, row.what, row.address) for row in book.life_of(message)]


@pytest.fixture
def book(tmp_path: Path) -> TraceBook:
    return TraceBook(tmp_path / "trace.sqlite", days=36500)


def test_the_life_of_a_message(book: TraceBook) -> None:
    write(
        book,
        (stored("m1", ANNA, BERT), 1001.0),
        (stored("m2", ANNA), 1002.0),
        (events.RecipientRefused(SENDER, "x@example.org", "No@B.C", "550", "m1", 1000.0), 1000.5),
        (events.MessageRetrieved(reader(ANNA), ANNA, "u-m1", 80), 1003.0),
        (events.MessageRetrieved(reader(BERT), BERT, "u-m9", 80), 1003.5),
        (events.UpdateFailed(reader(BERT), BERT, ("u-m1",)), 1004.0),
        (events.MessagesDeleted(reader(ANNA), ANNA, ("u-m2", "u-m1")), 1005.0),
        (events.SessionOpened(SENDER), 1006.0),
    )
    assert life(book, "m1") == [
        (1000.0, "mail", None),
        (1000.5, "refused", "no@b.c"),
        (1001.0, "stored", ANNA),
        (1001.0, "stored", BERT),
        (1003.0, "retrieved", ANNA),
        (1004.0, "not deleted", BERT),
        (1005.0, "deleted", ANNA),
    ]
    retrieved = book.life_of("m1")[4]
    assert (retrieved.host, retrieved.user, retrieved.session) == ("192.0.2.9", ANNA, "p1")
    assert book.life_of("m3") == []


def test_a_refused_message(book: TraceBook) -> None:
    told = ("m1", "x@example.org", ("Anna@example.com", BERT), "554 5.6.0 no", 900.0, "<a@b>")
    write(book, (events.MessageRefused(SENDER, *told), 901.0))
    assert life(book, "m1") == [
        (900.0, "mail", None),
        (901.0, "refused", ANNA),
        (901.0, "refused", BERT),
    ]
    assert book.life_of("m1")[1].reply == "554 5.6.0 no"
    assert book.messages_of("a@b", 9) == ["m1"]


def test_an_abandoned_message(book: TraceBook) -> None:
    told = ("m1", "x@example.org", ("Anna@example.com",), 900.0, "<a@b>")
    write(book, (events.MessageAbandoned(SENDER, *told), 901.0))
    assert life(book, "m1") == [(900.0, "mail", None), (901.0, "abandoned", ANNA)]
    assert book.messages_of("<a@b>", 9) == ["m1"]


def test_what_means_which_messages(book: TraceBook) -> None:
    for number in range(5):
        write(book, (stored(f"m{number}", ANNA, at=1000.0 + number), 1000.5 + number))
    refused = events.RecipientRefused(SENDER, "", "ANNA@example.com", "452", "m5", 1005.0)
    write(book, (refused, 1005.0))
    assert book.messages_of("m3", 9) == ["m3"]
    assert book.messages_of("<m3@example.org>", 9) == ["m3"]
    assert book.messages_of("m3@example.org", 9) == ["m3"]
    assert book.messages_of("Anna@Example.com", 9) == [f"m{number}" for number in range(6)]
    assert book.messages_of(ANNA, 2) == ["m4", "m5"]
    assert book.messages_of("nobody@example.com", 9) == []


def test_many_rows_at_once(book: TraceBook) -> None:
    write(book, *((stored(f"m{number}", ANNA), 1000.0 + number) for number in range(100)))
    assert book.messages_of(ANNA, 200) == [f"m{number}" for number in range(100)]
    assert all(len(book.life_of(f"m{number}")) == 2 for number in range(100))


def test_old_rows_go(tmp_path: Path) -> None:
    now = time.time()
    old = TraceBook(tmp_path / "trace.sqlite", days=36500)
    ages = {"m1": 31.0, "m2": 30.001, "m3": 29.9, "m4": 0.0}
    for id_, days in ages.items():
        at = now - days * DAY_SECONDS
        write(old, (stored(id_, ANNA, at=at), at))
    old.close()
    book = TraceBook(tmp_path / "trace.sqlite", days=30)
    book.write([])
    assert book.messages_of(ANNA, 9) == ["m3", "m4"]


def test_one_of_several_workers_removes_old_rows_and_another_when_it_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers = [TraceBook(tmp_path / "trace.sqlite", days=30) for _ in range(2)]
    for worker in workers:
        worker.write([])
    now = time.time()

    def found_after(minutes: float, worker: TraceBook) -> list[str]:
        at = now + 60 * minutes
        monkeypatch.setattr("gateway.trace.book.time.time", lambda: at)
        old = at - 31 * DAY_SECONDS
        write(worker, (stored(f"m{minutes}", ANNA, at=old), old))
        return worker.messages_of(ANNA, 9)

    assert found_after(11, workers[0]) == []
    assert found_after(12, workers[1]) == ["m12"]
    assert found_after(21, workers[1]) == ["m12", "m21"]
    assert found_after(22, workers[1]) == []
    assert found_after(23, workers[0]) == ["m23"]


def test_two_gateways_write_to_one_file(tmp_path: Path) -> None:
    books = [TraceBook(tmp_path / "trace.sqlite", 36500) for _ in range(2)]
    for number in range(6):
        write(books[number % 2], (stored(f"m{number}", ANNA), 1001.0 + number))
    for book in books:
        assert len(book.messages_of(ANNA, 9)) == 6
        book.close()


def test_a_row_has_no_secret() -> None:
    assert set(Row._fields).isdisjoint({"password", "secret"})
    failed = events.LoginFailed(SENDER, "anna", "PLAIN", "wrong password")
    assert not is_traced(failed)


def test_what_a_session_does_to_many_copies_is_one_row(book: TraceBook) -> None:
    uidls = tuple(f"u-{number}" for number in range(150))
    anna = reader(ANNA)
    write(
        book,
        (stored("m1", ANNA), 1001.0),
        (stored("m15", ANNA), 1001.0),
        *((events.MessageRetrieved(anna, ANNA, uidl, 7), 1002.0) for uidl in uidls),
        (events.MessageRetrieved(anna, ANNA, "u-m1", 70), 1002.5),
        (events.MessagesDeleted(anna, ANNA, (*uidls, "u-m1")), 1003.0),
    )
    retrieved, deleted = book.life_of("m1")[-2:]
    assert (retrieved.at, retrieved.what, retrieved.octets) == (1002.0, "retrieved", 70)
    assert (deleted.at, deleted.what, deleted.octets) == (1003.0, "deleted", None)
    assert [row.what for row in book.life_of("m15")] == ["mail", "stored"]
    with sqlite3.connect(book.path) as connection:
        found = connection.execute("SELECT what, uidls FROM copies ORDER BY number").fetchall()
    assert [what for what, _ in found] == ["retrieved", "deleted"]
    assert found[1][1] == "\n" + "".join(f"{uidl} \n" for uidl in (*uidls, "u-m1"))


def test_sessions_mailboxes_and_ways_are_kept_apart(book: TraceBook) -> None:
    other = Client("pop3", "192.0.2.10", id="p2", user=ANNA)
    write(
        book,
        (stored("m1", ANNA, BERT), 1001.0),
        (events.MessageRetrieved(reader(ANNA), ANNA, "u-m1", 80), 1002.0),
        (events.MessageRetrieved(other, ANNA, "u-m1", 80), 1003.0),
        (events.MessageRetrieved(reader(ANNA), BERT, "u-m1", 80), 1004.0),
        (events.UpdateFailed(other, ANNA, ("u-m1",)), 1005.0),
        (events.MessagesExpired(ANNA, ("u-m1", "u-m2")), 1006.0),
    )
    assert [(row.at, row.what, row.address, row.session) for row in book.life_of("m1")[3:]] == [
        (1002.0, "retrieved", ANNA, "p1"),
        (1003.0, "retrieved", ANNA, "p2"),
        (1004.0, "retrieved", BERT, "p1"),
        (1005.0, "not deleted", ANNA, "p2"),
        (1006.0, "expired", ANNA, ""),
    ]


def test_the_trace_of_an_earlier_release_is_read(tmp_path: Path) -> None:
    path = tmp_path / "trace.sqlite"
    earlier = SQLiteFile(path, STEPS[:1])
    now = time.time()
    columns = "at, what, message, address, uidl, session, protocol, host, user, octets"
    about = ("p1", "pop3", "192.0.2.9", ANNA)
    with earlier.writing() as connection:
        for row in (
            (now, "stored", "m1", ANNA, "u1", *about, None),
            (now + 1, "retrieved", None, ANNA, "u1", *about, 80),
            (now + 2, "deleted", None, ANNA, "u1", *about, None),
        ):
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO happenings ({columns}) VALUES ({marks})", row)
    earlier.close()
    book = TraceBook(path, days=30)
    write(book, (events.MessageRetrieved(reader(ANNA), ANNA, "u1", 80), now + 3))
    life_of_it = [(row.at, row.what, row.octets, row.host) for row in book.life_of("m1")]
    assert life_of_it == [
        (now, "stored", None, "192.0.2.9"),
        (now + 1, "retrieved", 80, "192.0.2.9"),
        (now + 2, "deleted", None, "192.0.2.9"),
        (now + 3, "retrieved", 80, "192.0.2.9"),
    ]


def test_old_rows_of_copies_go(tmp_path: Path) -> None:
    now = time.time()
    old = TraceBook(tmp_path / "trace.sqlite", days=36500)
    for days in (31.0, 29.0):
        at = now - days * DAY_SECONDS
        write(old, (events.MessagesDeleted(reader(ANNA), ANNA, ("u1",)), at))
        old.write([])
    old.close()
    TraceBook(tmp_path / "trace.sqlite", days=30).write([])
    with sqlite3.connect(old.path) as connection:
        assert connection.execute("SELECT count(*) FROM copies").fetchone() == (1,)
