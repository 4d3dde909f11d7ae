"""Many messages stored by a command that waits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store.interfaces import MessageAttributes, StoredCopy, StoreError
from gateway.store.sqlite.bulk import MOST_MESSAGES
from tests.store.conformance import ANNA, BERT, contents, deliver, uidls
from tests.store.sqlite_place import SQLitePlace


@pytest.fixture
def place(tmp_path: Path) -> Iterator[SQLitePlace]:
    place = SQLitePlace(tmp_path)
    yield place
    place.close()


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
        writer.put(ANNA, attributes, [text[:1], text[1:]], lambda copy, _: stored.append(copy))
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
        writer.put(ANNA, attributes, [b"x\r\n"], lambda copy, _: stored.append(copy.uidl))
    writer.flush()
    assert (stored[0], stored[4]) == ("same", "other")
    for uidl in stored[1:4]:
        assert uidl.startswith(f"{epoch}.")
        assert uidl != f"{epoch}.999", "it will be given to a message that comes later"
    assert uidls(place.store) == ["taken", *stored]


def test_what_cannot_be_stored_is_told_of_and_not_tried_again(place: SQLitePlace) -> None:
    writer = place.store.bulk_writer()
    stored: list[str] = []
    writer.put(ANNA, MessageAttributes(), [b"x\r\n"], lambda copy, _: stored.append(copy.uidl))
    place.query("ALTER TABLE bodies RENAME TO hidden")
    with pytest.raises(StoreError):
        writer.flush()
    place.query("ALTER TABLE hidden RENAME TO bodies")
    writer.flush()
    assert stored == []
    assert contents(place.store) == []
