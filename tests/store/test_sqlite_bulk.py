"""Many messages stored by a command that waits: all of a commit, or none, and no file is left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from zope.interface.verify import verifyObject

from gateway.store.interfaces import (
    IBulkStore,
    IBulkWriter,
    MessageAttributes,
    StoredCopy,
    StoreError,
)
from gateway.store.sqlite.bulk import MOST_MESSAGES, BulkWriter
from gateway.store.sqlite.checking import check
from tests.store.conformance import ANNA, BERT, contents, deliver, uidls
from tests.store.sqlite_place import SQLitePlace

LARGE = b"Subject: large\r\n\r\n" + b"x" * 100_000 + b"\r\n"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[SQLitePlace]:
    with closing(SQLitePlace(tmp_path)) as place:
        yield place
        with place.store._database.connection() as connection:
            assert list(check(place.layout, connection, lambda: None, repair=False)) == []


@pytest.fixture
def writer(place: SQLitePlace) -> BulkWriter:
    assert verifyObject(IBulkStore, place.store)
    made = place.store.bulk_writer()
    assert verifyObject(IBulkWriter, made)
    return made


def put(writer: BulkWriter, *messages: bytes, uidl: str | None = None) -> list[StoredCopy]:
    copies: list[StoredCopy] = []
    for message in messages:
        blocks = (message[:40_000], message[40_000:80_000], message[80_000:])
        writer.put(ANNA, MessageAttributes(1e9, uidl), blocks, copies.append)
    return copies


def test_stored_when_it_is_told(place: SQLitePlace, writer: BulkWriter) -> None:
    copies = put(writer, b"a\r\n", LARGE, b"no end", b"")
    assert (copies, contents(place.store)) == ([], [])
    writer.flush()
    assert contents(place.store) == [b"a\r\n", LARGE, b"no end\r\n", b""]
    assert [copy.uidl for copy in copies] == uidls(place.store)
    assert len(place.files()) == 1


def test_many_wait_for_no_flush(place: SQLitePlace, writer: BulkWriter) -> None:
    copies = put(writer, *[b"%d\r\n" % number for number in range(MOST_MESSAGES)])
    assert len(copies) == len(contents(place.store)) == MOST_MESSAGES


def test_mail_that_comes_meanwhile(place: SQLitePlace, writer: BulkWriter) -> None:
    put(writer, b"first\r\n")
    writer.flush()
    deliver(place.store, b"between\r\n", ANNA, BERT)
    put(writer, b"last\r\n")
    writer.flush()
    assert sorted(contents(place.store)) == [b"between\r\n", b"first\r\n", b"last\r\n"]
    assert len(set(uidls(place.store))) == 3


def test_a_unique_id_is_kept_once(place: SQLitePlace, writer: BulkWriter) -> None:
    copies = put(writer, b"first\r\n", b"second\r\n", uidl="given")
    writer.flush()
    later = put(writer, b"third\r\n", uidl="given")
    writer.flush()
    assert copies[0].uidl == "given"
    assert [copy.uidl for copy in (*copies, *later)] == uidls(place.store)
    assert len(set(uidls(place.store))) == 3


def test_one_that_cannot_be_a_unique_id(place: SQLitePlace, writer: BulkWriter) -> None:
    with pytest.raises(StoreError, match="cannot be a unique-id"):
        put(writer, b"a\r\n", uidl="with space")
    writer.flush()
    assert contents(place.store) == []


def test_a_commit_that_fails_leaves_nothing(place: SQLitePlace, writer: BulkWriter) -> None:
    place.query(
        "CREATE TRIGGER broken BEFORE INSERT ON contents BEGIN SELECT RAISE(ABORT, 'broken'); END"
    )
    copies = put(writer, b"a\r\n", LARGE)
    with pytest.raises(StoreError, match="broken"):
        writer.flush()
    assert (copies, place.files(), contents(place.store)) == ([], [], [])
    place.query("DROP TRIGGER broken")
    writer.flush()
    assert contents(place.store) == []
    put(writer, b"b\r\n")
    writer.flush()
    assert contents(place.store) == [b"b\r\n"]


def test_a_message_that_breaks_off_leaves_nothing(place: SQLitePlace, writer: BulkWriter) -> None:
    def blocks() -> Iterator[bytes]:
        yield LARGE
        raise StoreError("the source is gone")

    with pytest.raises(StoreError, match="the source is gone"):
        writer.put(ANNA, MessageAttributes(), blocks())
    assert place.files() == []
    writer.flush()
    assert contents(place.store) == []


def test_given_up(place: SQLitePlace, writer: BulkWriter) -> None:
    put(writer, LARGE, b"a\r\n")
    assert len(place.files()) == 1
    writer.abort()
    writer.flush()
    assert (place.files(), contents(place.store)) == ([], [])


def commits(place: SQLitePlace) -> int:
    """How many commits have changed something."""
    [(change,)] = place.query("SELECT change FROM store")
    return int(change)


def test_many_messages_are_one_commit_in_the_order_in_which_they_came(place: SQLitePlace) -> None:
    writer = place.store.bulk_writer()
    before = commits(place)
    stored: list[StoredCopy] = []
    texts = [b"%d\r\n" % number for number in range(MOST_MESSAGES)]
    for number, text in enumerate(texts):
        assert stored == []
        attributes = MessageAttributes(uidl=f"given-{number}")
        writer.put(ANNA, attributes, [text[:1], text[1:]], lambda copy: stored.append(copy))
    assert commits(place) == before + 1, "as many as go into one commit"
    assert [copy.uidl for copy in stored] == [f"given-{n}" for n in range(MOST_MESSAGES)]
    assert contents(place.store) == texts
    assert uidls(place.store) == [copy.uidl for copy in stored]


def test_of_messages_with_one_unique_id_the_first_keeps_it(place: SQLitePlace) -> None:
    deliver(place.store, b"there\r\n", attributes=MessageAttributes(uidl="taken"))
    epoch = deliver(place.store, b"x\r\n", BERT)[0].uidl.partition(".")[0]
    writer = place.store.bulk_writer()
    stored: list[str] = []
    for uidl in ("same", "same", "taken", f"{epoch}.999", "other"):
        attributes = MessageAttributes(uidl=uidl)
        writer.put(ANNA, attributes, [b"x\r\n"], lambda copy: stored.append(copy.uidl))
    writer.flush()
    assert (stored[0], stored[4]) == ("same", "other")
    for uidl in stored[1:4]:
        assert uidl.startswith(f"{epoch}.")
        assert uidl != f"{epoch}.999", "it will be given to a message that comes later"
    assert uidls(place.store) == ["taken", *stored]
