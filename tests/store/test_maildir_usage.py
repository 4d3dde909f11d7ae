"""What a Maildir store tells a quota: cheaply, and not wrong for long."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, maybeDeferred

from gateway.store.interfaces import StoreError, Usage
from gateway.store.maildir import usage as module
from gateway.store.maildir.usage import TRUSTED_SECONDS
from tests.store.conformance import ANNA, deliver, result
from tests.store.maildir_place import MaildirPlace


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that were looked through, by the name of the mailbox."""
    folders: list[str] = []
    count = module.count_folder

    def noting(folder: Path) -> Usage:
        folders.append(folder.name)
        return count(folder)

    monkeypatch.setattr(module, "count_folder", noting)
    return folders


@pytest.fixture
def place(tmp_path: Path) -> MaildirPlace:
    return MaildirPlace(tmp_path)


def settle(place: MaildirPlace, mailbox: str = ANNA) -> None:
    """Make the folders look as if nothing had happened for a while."""
    for name in ("new", "cur"):
        os.utime(place.folder(mailbox) / name, (1e9, 1e9))


def test_own_deliveries_are_added_without_a_look(place: MaildirPlace, counted: list[str]) -> None:
    deliver(place.store, b"one\r\n")
    assert result(place.store.usage(ANNA)) == Usage(1, 5)
    for number in range(2, 50):
        deliver(place.store, b"one\r\n")
        assert place.store.usage(ANNA) == Usage(number, 5 * number)
    assert counted == ["anna"]


def test_a_folder_that_has_not_changed_is_not_looked_through(
    place: MaildirPlace, counted: list[str]
) -> None:
    deliver(place.store, b"one\r\n")
    settle(place)
    assert result(place.store.usage(ANNA)) == Usage(1, 5)
    for _ in range(3):
        assert result(place.store.usage(ANNA, True)) == Usage(1, 5)
        place.clock.advance(TRUSTED_SECONDS)
        assert result(place.store.usage("@example.com")) == Usage(1, 5)
    assert counted == ["anna"]


def test_others_are_noticed_after_a_while_or_when_asked(place: MaildirPlace) -> None:
    deliver(place.store, b"one\r\n")
    assert result(place.store.usage(ANNA)) == Usage(1, 5)
    place.put("1700000000.M1P1.host,S=4,W=6:2,S", b"a\nb\n", folder="cur")
    place.put("1700000000.M2P1.host", b"a\nb\n")
    place.put(".hidden", b"x")
    (place.folder() / "new" / "folder").mkdir()
    assert place.store.usage(ANNA) == Usage(1, 5)
    assert result(place.store.usage(ANNA, True)) == Usage(3, 15)
    place.put("1700000000.M3P1.host,S=4,W=6", b"a\nb\n")
    place.clock.advance(TRUSTED_SECONDS)
    assert result(place.store.usage(ANNA)) == Usage(4, 21)


def test_a_delivery_that_overtakes_a_count(place: MaildirPlace) -> None:
    calls: list[Callable[[], Any]] = []

    def later(function: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        if getattr(function, "__name__", "") != "_count":
            return maybeDeferred(function, *arguments)
        counted = function(*arguments)
        calls.append(lambda: done.callback(counted))
        return done

    store = place.another(later)
    deliver(store, b"one\r\n")
    waiting = [store.usage(ANNA), store.usage(ANNA)]
    assert len(calls) == 1
    deliver(store, b"two\r\n")
    calls.pop()()
    assert [result(each) for each in waiting] == [Usage(1, 5)] * 2
    again = store.usage(ANNA)
    calls.pop()()
    assert result(again) == Usage(2, 10)
    assert store.usage(ANNA) == Usage(2, 10)


def test_a_mailbox_that_cannot_be_read(place: MaildirPlace) -> None:
    folder = place.folder()
    (folder / "new").rmdir()
    (folder / "new").write_bytes(b"")
    for name in (ANNA, "@example.com"):
        with pytest.raises(StoreError, match=str(folder.parent)):
            result(place.store.usage(name))
    (folder / "new").unlink()
    assert result(place.store.usage(ANNA)) == Usage(0, 0)
