"""Deleted messages that are kept, as they lie in a Maildir."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path

import pytest

from gateway.store.interfaces import MessageAttributes
from gateway.store.maildir.aside import FOLDER
from tests.store.conformance import ANNA, contents, deliver, opened, result, uidls
from tests.store.maildir_place import MaildirPlace

DAY = 86_400


def set_aside(place: MaildirPlace, deleted: list[int], until: float) -> list[int]:
    maildrop = opened(place.store)
    left: list[int] = result(maildrop.set_aside(deleted, until))
    maildrop.release()
    return left


def test_they_stay_on_the_disk_under_their_names(place: MaildirPlace) -> None:
    place.put("1700000000.M1P1.elsewhere:2,FS", b"a\n", folder="cur")
    place.put("1700000001.M1P1.elsewhere", b"b\n")
    before = uidls(place.store)
    assert set_aside(place, [0, 1], math.inf) == []
    aside = place.folder() / FOLDER / "kept"
    assert sorted(path.name for path in aside.iterdir()) == [
        "1700000000.M1P1.elsewhere:2,FS",
        "1700000001.M1P1.elsewhere",
    ]
    assert place.administration.undelete(ANNA, before) == before
    assert [path.parent.name for path in place.files()] == ["cur", "new"]
    assert contents(place.store) == [b"a\r\n", b"b\r\n"]


def test_one_that_was_flagged_meanwhile_is_found(place: MaildirPlace) -> None:
    path = place.put("1700000000.M1P1.elsewhere", b"a\n")
    maildrop = opened(place.store)
    path.rename(place.folder() / "cur" / f"{path.name}:2,S")
    assert result(maildrop.set_aside([0], 2e9)) == []
    maildrop.release()
    assert len(place.administration.deleted(ANNA)) == 1
    assert uidls(place.store) == []


def test_what_cannot_be_set_aside_is_said_and_stays(place: MaildirPlace) -> None:
    deliver(place.store, b"a\r\n")
    (place.folder() / FOLDER).write_bytes(b"in the way")
    assert set_aside(place, [0], 2e9) == [0]
    assert contents(place.store) == [b"a\r\n"]


def test_strange_folders_are_left_alone(place: MaildirPlace) -> None:
    strange = place.folder() / FOLDER / "mine"
    strange.mkdir(parents=True)
    (strange / "file").touch()
    assert place.administration.deleted(ANNA) == []
    assert place.administration.remove_overdue(ANNA, 1e12, 10) == 0
    assert (strange / "file").exists()


def test_what_was_given_survives_the_pruning_of_the_notes(place: MaildirPlace) -> None:
    """The index forgets messages that are gone, not those that may come back."""
    old = MessageAttributes(arrived=1e9, uidl="kept-uidl")
    deliver(place.store, b"a\r\n", attributes=old)
    set_aside(place, [0], math.inf)
    for number in range(250):
        dead = MessageAttributes(arrived=1e9 + number, uidl=f"dead-{number}")
        deliver(place.store, b"b\r\n", attributes=dead)
    index = place.folder() / ".pop3gw.index"
    lines = index.read_bytes().replace(b'"name": "', b'"name": "1')  # of an hour long past
    for path in place.files():
        path.unlink()
    [kept] = (place.folder() / FOLDER / "kept").iterdir()
    kept.rename(kept.with_name(f"1{kept.name}"))
    index.write_bytes(lines)
    for folder in ("new", "cur"):
        os.utime(place.folder() / folder, (1e9, 1e9))
    place.restart()
    assert uidls(place.store) == []
    assert place.administration.undelete(ANNA, ["kept-uidl"]) == ["kept-uidl"]
    assert uidls(place.store) == ["kept-uidl"]


@pytest.mark.parametrize("evidence", ["name", "time of change"])
def test_a_message_is_as_young_as_anything_says(place: MaildirPlace, evidence: str) -> None:
    now = int(time.time())
    young, old = now - DAY, now - 10 * DAY
    in_name, on_disk = (young, old) if evidence == "name" else (old, young)
    path = place.put(f"{in_name}.M1P1.elsewhere", b"a\n")
    os.utime(path, (on_disk, on_disk))
    both_old = place.put(f"{old}.M2P1.elsewhere", b"b\n")
    os.utime(both_old, (old, old))
    without_time = place.put("1.txt", b"c\n")
    os.utime(without_time, (young, young))
    maildrop = opened(place.store)
    found = result(maildrop.older_than(now - 5 * DAY))
    names = [Path(maildrop._listing.path(index)).name for index in found]
    assert names == [both_old.name]
