"""Deleted messages that are kept, in the database."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store.interfaces import MessageAttributes
from tests.store.conformance import ANNA, contents, deliver, opened, result, uidls
from tests.store.sqlite_place import SQLitePlace

LARGE = b"Subject: large\r\n\r\n" + b"x" * 3_000_000 + b"\r\n"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[SQLitePlace]:
    place = SQLitePlace(tmp_path)
    yield place
    place.close()


def set_aside(place: SQLitePlace, deleted: list[int], until: float) -> None:
    maildrop = opened(place.store)
    assert result(maildrop.set_aside(deleted, until)) == []
    maildrop.release()


def test_a_large_body_stays_as_long_as_its_message(place: SQLitePlace) -> None:
    deliver(place.store, LARGE)
    [before] = uidls(place.store)
    set_aside(place, [0], 1e9)
    assert len(place.files()) == 1
    [message] = place.administration.deleted(ANNA)
    assert message.header == b"Subject: large"
    assert place.administration.undelete(ANNA, [before]) == [before]
    assert contents(place.store) == [LARGE]
    set_aside(place, [0], 1e9)
    assert place.administration.remove_overdue(ANNA, 1.5e9, 10) == 1
    assert place.files() == []
    assert place.query("SELECT count(*) FROM bodies") == [(0,)]


def test_the_counts_stay_right(place: SQLitePlace) -> None:
    for number in range(300):
        deliver(place.store, b"%d\r\n" % number)
    set_aside(place, list(range(0, 300, 2)), math.inf)
    counted = (
        "SELECT count(*) FROM mailboxes WHERE messages <> (SELECT count(*) FROM messages WHERE"
        " mailbox = id) OR octets <> (SELECT coalesce(sum(octets), 0) FROM messages WHERE"
        " mailbox = id)"
    )
    assert place.query(counted) == [(0,)]
    assert place.administration.usage(ANNA).messages == 150
    assert len(place.administration.undelete(ANNA, uidls_aside(place))) == 150
    assert place.query(counted) == [(0,)]
    assert contents(place.store) == [b"%d\r\n" % number for number in range(300)]


def uidls_aside(place: SQLitePlace) -> set[str]:
    return {message.uidl for message in place.administration.deleted(ANNA)}


def test_a_given_unique_id_that_was_taken_meanwhile(place: SQLitePlace) -> None:
    given = MessageAttributes(uidl="same")
    deliver(place.store, b"old\r\n", attributes=given)
    set_aside(place, [0], math.inf)
    deliver(place.store, b"new\r\n", attributes=given)
    assert place.administration.undelete(ANNA, ["same"]) == []
    assert contents(place.store) == [b"new\r\n"]
    assert uidls_aside(place) == {"same"}


def test_it_is_no_mailbox_of_its_own(place: SQLitePlace) -> None:
    deliver(place.store, b"a\r\n")
    set_aside(place, [0], math.inf)
    assert place.administration.mailboxes() == [ANNA]


def test_one_with_the_unique_id_of_one_that_was_deleted_can_be_deleted_too(
    place: SQLitePlace,
) -> None:
    for text in (b"first\r\n", b"second\r\n"):
        deliver(place.store, text, attributes=MessageAttributes(arrived=1e9, uidl="given"))
        assert uidls(place.store) == ["given"]
        set_aside(place, [0], math.inf)
    kept = place.administration.deleted(ANNA)
    assert sorted(message.octets for message in kept) == [7, 8]
    [newer] = [message for message in kept if message.uidl == "given"]
    assert newer.octets == len(b"second\r\n")
    both = {message.uidl for message in kept}
    assert set(place.administration.undelete(ANNA, both)) == both
    assert sorted(contents(place.store)) == [b"first\r\n", b"second\r\n"]
