"""Who has to give up a maildrop to whom."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from gateway.client import Client
from gateway.store.interfaces import MaildropInUse
from gateway.store.takeover import Takeover
from tests.store.conformance import ANNA, BERT, opened, result
from tests.store.maildir_place import MaildirPlace

HERE, AFAR = "192.0.2.7", "198.51.100.9"


class Connected:
    """A session that holds a maildrop, and lets go of it when it is cut."""

    def __init__(self, place: MaildirPlace, silent: float, mailbox: str = ANNA) -> None:
        self.client = Client("pop3", HERE, silent_seconds=lambda: silent, cut=self.cut)
        self.reasons: list[str] = []
        self._maildrop = opened(place.store, mailbox, by=self.client)
        self._clock = place.clock

    def cut(self, reason: str) -> None:
        self.reasons.append(reason)
        self._clock.callLater(0, self._maildrop.release)


@pytest.fixture
def asked() -> list[tuple[int, str, str]]:
    return []


@pytest.fixture
def place(tmp_path: Path, asked: list[tuple[int, str, str]]) -> MaildirPlace:
    takeover = Takeover(300.0, lambda *what: asked.append(what))
    return MaildirPlace(tmp_path, takeover=takeover)


@pytest.mark.parametrize(
    ("silent", "host", "ended"),
    [
        (0.0, HERE, False),
        (299.0, HERE, False),
        (300.0, HERE, True),
        (300.0, AFAR, False),
        (1e9, AFAR, False),
        (math.inf, HERE, True),
        (math.inf, AFAR, True),
    ],
)
def test_who_gives_way(place: MaildirPlace, silent: float, host: str, ended: bool) -> None:
    old = Connected(place, silent)
    waiting = place.store.open_maildrop(ANNA, Client("pop3", host))
    place.clock.pump([0, 0, 0])
    assert bool(old.reasons) is ended
    assert waiting.called is ended
    if not ended:
        place.clock.pump([0.1] * 101)
        with pytest.raises(MaildropInUse) as caught:
            result(waiting)
        assert caught.value.host == HERE


def test_another_process_is_asked(place: MaildirPlace, asked: list[tuple[int, str, str]]) -> None:
    holder = opened(MaildirPlace(place.root.parent).store, by=Client("pop3", AFAR))
    waiting = place.store.open_maildrop(ANNA, Client("pop3", HERE))
    [(pid, *rest)] = asked
    assert pid > 0
    assert rest == [ANNA, HERE]
    holder.release()
    place.clock.pump([0.1] * 3)
    assert result(waiting).mailbox == ANNA


def test_what_another_process_asks_for(place: MaildirPlace) -> None:
    takeover: Takeover = place.settings["takeover"]
    silent, busy = Connected(place, 300.0), Connected(place, 1.0, BERT)
    assert not takeover.give_up("carl@example.com", HERE)
    assert not takeover.give_up(ANNA, AFAR)
    assert not takeover.give_up(BERT, HERE)
    assert (silent.reasons, busy.reasons) == ([], [])
    assert takeover.give_up(ANNA, HERE)
    assert silent.reasons == ["taken over by another login"]
