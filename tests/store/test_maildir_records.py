"""The side index of a mailbox: torn, damaged, written by several, written anew."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from gateway.store.interfaces import MessageAttributes, StoreError
from gateway.store.maildir import records
from gateway.store.maildir.names import NameMaker
from tests.store.conformance import contents, deliver, opened, result, uidls
from tests.store.maildir_place import MaildirPlace

GIVEN = MessageAttributes(arrived=1e9, uidl="kept", smtputf8=True, requiretls=True)


def index_file(place: MaildirPlace) -> Path:
    return place.folder() / records.FILE


def test_usual_messages_need_none(place: MaildirPlace) -> None:
    deliver(place.store, b"a\r\n")
    assert contents(place.store) == [b"a\r\n"]
    assert not index_file(place).exists()


def test_cut_off_anywhere(place: MaildirPlace) -> None:
    deliver(place.store, b"1\r\n", attributes=GIVEN)
    whole = index_file(place).read_bytes()
    for length in range(len(whole)):
        index_file(place).write_bytes(whole[:length])
        loaded = records.load(place.folder())
        # Without its line feed a line may still be whole.
        assert loaded == {} or length == len(whole) - 1
    index_file(place).write_bytes(whole[: len(whole) // 2])
    deliver(place.store, b"2\r\n", attributes=GIVEN)
    place.restart()
    assert uidls(place.store)[0] == "kept"
    assert len(set(uidls(place.store))) == 2


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe",
        b"null",
        b"[]",
        b"7",
        b'"x"',
        b"{}",
        b'{"name": 7}',
        b'{"name": "x", "unheard": 1}',
        b'{"name": "x", "arrived": "y"}',
        b'{"name": "x", "arrived": NaN}',
        b'{"name": "x", "arrived": 1e999}',
        b'{"name": "x", "uidl": 7}',
        b'{"name": "x", "uidl": "a b"}',
        b'{"name": "x", "smtputf8": "yes"}',
        b"{" * 100_000,
        b"[" * 100_000,
    ],
)
def test_damaged_lines_do_no_harm(place: MaildirPlace, line: bytes) -> None:
    place.put("x", b"x\n")
    deliver(place.store, b"a\r\n", attributes=GIVEN)
    with index_file(place).open("ab") as file:
        file.write(line + b"\n")
    deliver(place.store, b"b\r\n", attributes=MessageAttributes(arrived=1.1e9, uidl="too"))
    place.restart()
    maildrop = opened(place.store)
    given = [maildrop.attributes(index) for index in range(3)]
    assert GIVEN in given
    assert sorted(a.uidl for a in given if a.uidl) == ["kept", "too"]
    assert "x" in maildrop.snapshot.uidls


def test_an_index_that_cannot_be_read_is_an_error(place: MaildirPlace) -> None:
    """Other unique-ids than before would make clients fetch everything again."""
    deliver(place.store, b"a\r\n")
    index_file(place).mkdir()
    with pytest.raises(StoreError, match=records.FILE):
        opened(place.store)


def test_names_that_are_no_text(place: MaildirPlace) -> None:
    name = "1700000000.\udcff.host"
    place.put(name, b"a\n")
    records.append(place.folder(), {name: MessageAttributes(uidl="kept")})
    assert uidls(place.store) == ["kept"]


def test_written_anew_when_most_of_it_is_dead(place: MaildirPlace) -> None:
    old = {f"1500000000.M{number:06}P1.host": GIVEN for number in range(1000)}
    records.append(place.folder(), old)
    recent = NameMaker("host").make(1, 1)
    records.append(place.folder(), {recent: GIVEN})
    deliver(place.store, b"a\r\n", attributes=GIVEN)
    before = index_file(place).stat().st_size
    for name in ("new", "cur"):
        # The mailbox must have been quiet for a moment: a message in motion may look dead.
        os.utime(place.folder() / name, (1e9, 1e9))
    assert uidls(place.store) == ["kept"]
    assert index_file(place).stat().st_size < before / 100
    left = records.load(place.folder())
    assert len(left) == 2
    # It may belong to a message that is yet to come.
    assert recent in left
    place.restart()
    assert uidls(place.store) == ["kept"]


def test_writers_and_rewriters_side_by_side(place: MaildirPlace) -> None:
    folder = place.folder()
    done = threading.Event()

    def rewrite() -> None:
        while not done.is_set():
            records.rewrite(folder, {"dead"})

    rewriter = threading.Thread(target=rewrite)
    rewriter.start()

    def write(number: int) -> None:
        for turn in range(30):
            records.append(folder, {f"{number}-{turn}": GIVEN, "dead": GIVEN})

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    done.set()
    rewriter.join()
    kept = set(records.load(folder)) - {"dead"}
    assert kept == {f"{number}-{turn}" for number in range(4) for turn in range(30)}


def test_deleted_messages_leave_no_attributes(place: MaildirPlace) -> None:
    deliver(place.store, b"1\r\n", attributes=GIVEN)
    maildrop = opened(place.store)
    assert result(maildrop.commit([0])) == []
    maildrop.release()
    deliver(place.store, b"2\r\n")
    maildrop = opened(place.store)
    assert maildrop.attributes(0).uidl is None
    assert list(maildrop.snapshot.uidls) != ["kept"]
