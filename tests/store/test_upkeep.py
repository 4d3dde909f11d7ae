"""What a running gateway does to mailboxes by itself."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, maybeDeferred

from gateway.events import Event, EventStream, MessagesExpired, Trouble
from gateway.store import upkeep
from gateway.store.upkeep import EVERY_SECONDS, FIRST_SECONDS, Care, Upkeep
from tests.store.conformance import ANNA, BERT, deliver, opened, result, uidls
from tests.store.maildir_place import MaildirPlace

DAY = 86_400


def not_kept(_: float) -> None:
    return None


class Office:
    """A store, and what looks after it."""

    def __init__(self, place: MaildirPlace, *cares: Care) -> None:
        self.events: list[Event] = []
        self.cares: Callable[[], Any] = lambda: cares
        self.upkeep = Upkeep(
            place.store,
            place.administration,
            lambda: self.cares(),
            in_thread=maybeDeferred,
            reactor=place.clock,
            events=EventStream(self.events.append),
        )
        self._clock = place.clock
        self.upkeep.start()
        self.let_time_pass(FIRST_SECONDS)

    def let_time_pass(self, seconds: float) -> None:
        self._clock.advance(seconds)
        self._clock.pump([0] * 20)


def put(place: MaildirPlace, days: float, number: int = 1, mailbox: str = ANNA) -> str:
    """Put a message that is so many days old into a mailbox; return its unique-id."""
    moment = int(time.time() - days * DAY)
    path = place.put(f"{moment}.M{number}P1.elsewhere", b"a\n", mailbox)
    os.utime(path, (moment, moment))
    return path.name


def test_what_is_too_old_goes_and_nothing_younger(place: MaildirPlace) -> None:
    old, young = put(place, 31), put(place, 29)
    other = put(place, 400, mailbox=BERT)
    office = Office(place, Care(ANNA, 30, not_kept), Care(BERT, 0, not_kept))
    assert uidls(place.store) == [young]
    assert uidls(place.store, BERT) == [other]
    assert office.events == [MessagesExpired(ANNA, (old,))]
    assert place.administration.deleted(ANNA) == []
    old = put(place, 40)
    office.let_time_pass(EVERY_SECONDS)
    assert uidls(place.store) == [young]


def test_what_expires_is_kept_as_what_is_deleted(place: MaildirPlace) -> None:
    old = put(place, 31)
    Office(place, Care(ANNA, 30, lambda moment: moment + 7 * DAY))
    assert uidls(place.store) == []
    [message] = place.administration.deleted(ANNA)
    assert message.uidl == old
    assert message.until > time.time() + 6.9 * DAY


def test_many_go_in_portions(place: MaildirPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "PORTION", 2)
    for number in range(5):
        put(place, 31, number)
    office = Office(place, Care(ANNA, 30, not_kept))
    assert uidls(place.store) == []
    assert [len(event.uidls) for event in office.events] == [2, 2, 1]  # type: ignore[attr-defined]


def test_deleted_messages_go_when_they_need_not_be_kept(
    place: MaildirPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "PORTION", 2)
    for number in range(7):
        deliver(place.store, b"%d\r\n" % number)
    kept = uidls(place.store)[5:]
    maildrop = opened(place.store)
    now = time.time()
    assert result(maildrop.set_aside([0, 1, 2, 3, 4], now - 2 * DAY)) == []
    assert result(maildrop.set_aside([5], now + DAY)) == []
    assert result(maildrop.set_aside([6], math.inf)) == []
    maildrop.release()
    Office(place, Care(ANNA, 0, not_kept))
    assert [message.uidl for message in place.administration.deleted(ANNA)] == kept


def test_a_maildrop_in_use_waits_for_the_next_time(place: MaildirPlace) -> None:
    old = put(place, 31)
    put(place, 31, mailbox=BERT)
    session = opened(place.store)
    office = Office(place, Care(ANNA, 30, not_kept), Care(BERT, 30, not_kept))
    office.let_time_pass(11)
    assert list(session.snapshot.uidls) == [old]
    assert uidls(place.store, BERT) == []
    session.release()
    assert uidls(place.store) == [old]
    office.let_time_pass(EVERY_SECONDS)
    assert uidls(place.store) == []
    assert not [event for event in office.events if isinstance(event, Trouble)]


def test_trouble_with_one_mailbox_is_told_and_keeps_nobody_waiting(
    place: MaildirPlace, tmp_path: Path
) -> None:
    put(place, 31, mailbox=BERT)
    (tmp_path / "mail" / "example.com").mkdir(parents=True)
    (tmp_path / "mail" / "example.com" / "anna").write_bytes(b"no folder")
    office = Office(place, Care(ANNA, 30, not_kept), Care(BERT, 30, not_kept))
    assert uidls(place.store, BERT) == []
    [trouble] = [event for event in office.events if isinstance(event, Trouble)]
    assert trouble.where == ANNA


def test_accounts_that_cannot_be_read_are_asked_again(place: MaildirPlace) -> None:
    def broken() -> Any:
        raise OSError("no accounts")

    office = Office(place)
    office.cares = broken
    office.let_time_pass(EVERY_SECONDS)
    assert [type(event) for event in office.events] == [Trouble]
    put(place, 31)
    office.cares = lambda: [Care(ANNA, 30, not_kept)]
    office.let_time_pass(EVERY_SECONDS)
    assert uidls(place.store) == []


def test_stopping(place: MaildirPlace) -> None:
    office = Office(place)
    result(Deferred.fromCoroutine(office.upkeep.stop()))
    assert place.clock.getDelayedCalls() == []
    put(place, 31)
    office.cares = lambda: [Care(ANNA, 30, not_kept)]
    session = opened(place.store)
    office.upkeep.start()
    office.let_time_pass(FIRST_SECONDS)
    stopping = Deferred.fromCoroutine(office.upkeep.stop())
    assert not stopping.called
    office.let_time_pass(11)
    assert stopping.called
    session.release()
    assert place.clock.getDelayedCalls() == []
