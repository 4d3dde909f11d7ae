"""Kill -9 before each system call of a QUIT with DELE: what was to stay is there, once and whole.

See `test_kill_points`. What was to go may be there as long as nobody was told that it is gone. In
the embedded store all of it goes in one instant, in a Maildir one after the other.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.killing import DONE, calls, kill_at, traced
from tests.store.conformance import ANNA, BERT, Place, contents, deliver, opened, result
from tests.store.maildir_place import MaildirPlace
from tests.store.sqlite_place import SQLitePlace

LARGE = b"0123456789abcd\r\n" * 8000
DELETED = {"one": [1], "some": [0, 2], "all": [0, 1, 2, 3]}


@pytest.fixture(params=["maildir", "sqlite"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return SQLitePlace(tmp_path) if request.param == "sqlite" else MaildirPlace(tmp_path)


def _fill(place: Place) -> list[bytes]:
    """Put four messages into Anna's mailbox: a shared one, a large one, and the last is shared."""
    texts = [b"first\r\n", LARGE, b"third\r\n", b"last\r\n"]
    for text, mailboxes in zip(texts, [(ANNA, BERT), (ANNA,), (ANNA,), (ANNA, BERT)], strict=True):
        deliver(place.store, [text], *mailboxes)
    return texts


def _empty(place: Place) -> None:
    for mailbox in (ANNA, BERT):
        maildrop = opened(place.store, mailbox)
        assert result(maildrop.commit(range(len(maildrop.snapshot)))) == []
        maildrop.release()


def _quit(place: Place, deleted: list[int]) -> Callable[[], object]:
    maildrop = opened(place.another())
    return lambda: result(maildrop.commit(deleted))


@pytest.mark.slow
@pytest.mark.parametrize("which", DELETED)
def test_killed_before_each_system_call(place: Place, which: str, tmp_path: Path) -> None:
    deleted, log = DELETED[which], tmp_path / "log"
    texts = _fill(place)
    assert traced(lambda: _quit(place, deleted), log) == DONE
    kept = [text for index, text in enumerate(texts) if index not in deleted]
    place.restart()
    assert contents(place.store) == kept
    kills = 0
    for call, occurrence in calls(log):
        _empty(place)
        _fill(place)
        status = traced(lambda: _quit(place, deleted), log, *kill_at(call, occurrence))
        assert status in (DONE, -signal.SIGKILL)
        kills += status != DONE
        place.restart()
        left = contents(place.store)
        assert [text for text in left if text in kept] == kept
        assert all(text in texts for text in left)
        if status == DONE:
            assert left == kept
        elif isinstance(place, SQLitePlace):
            assert left in (kept, texts)
        assert contents(place.store, BERT) == [texts[0], texts[3]]
    assert kills > 2
