"""Mailboxes that other programs write to, while ours reads them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.store.interfaces import MessageGone, StoreError, Usage
from tests.store.conformance import ANNA, contents, deliver, opened, read_all, result, uidls
from tests.store.maildir_place import MaildirPlace

FILES = {
    "LF": (b"a\nb\n", b"a\r\nb\r\n"),
    "CRLF": (b"a\r\nb\r\n", b"a\r\nb\r\n"),
    "mixed": (b"a\nb\r\nc\n\r\n\n", b"a\r\nb\r\nc\r\n\r\n\r\n"),
    "bare CR": (b"a\rb\n\r", b"a\rb\r\n\r\r\n"),
    "CR before CRLF": (b"a\r\r\nb\n", b"a\r\r\nb\r\n"),
    "NUL": (b"\0\n\0", b"\0\r\n\0\r\n"),
    "8-bit": (bytes(range(256)), bytes(range(10)) + b"\r\n" + bytes(range(11, 256)) + b"\r\n"),
    "no header": (b"\nbody\n", b"\r\nbody\r\n"),
    "no final newline": (b"a\nb", b"a\r\nb\r\n"),
    "zero octets": (b"", b""),
    "only LF": (b"\n", b"\r\n"),
    "line of megabytes": (b"x" * 3_000_000 + b"\n", b"x" * 3_000_000 + b"\r\n"),
    "CR at 64 KiB": (b"x" * 65_535 + b"\r\ny\n", b"x" * 65_535 + b"\r\ny\r\n"),
    "LFs up to 64 KiB": (b"\n" * 65_535 + b"x", b"\r\n" * 65_535 + b"x\r\n"),
    "ends in LF at 64 KiB": (b"x" * 65_535 + b"\n", b"x" * 65_535 + b"\r\n"),
    "300 KB without end": (b"line\n" * 60_000 + b"end", b"line\r\n" * 60_000 + b"end\r\n"),
}


@pytest.mark.parametrize("folder", ["new", "cur"])
@pytest.mark.parametrize(("octets", "canonical"), FILES.values(), ids=FILES.keys())
def test_announced_is_sent(
    place: MaildirPlace, octets: bytes, canonical: bytes, folder: str
) -> None:
    suffix = ":2,S" if folder == "cur" else ""
    place.put(f"1700000000.4711_0.host{suffix}", octets, folder=folder)
    assert contents(place.store) == [canonical]
    assert place.administration.usage(ANNA) == Usage(1, len(canonical))
    place.restart()
    assert contents(place.store) == [canonical]


@pytest.mark.parametrize(
    "sizes",
    [
        ",S=4,W=6",
        ",S=4",
        ",W=6",
        ",S=4,W=6,X=1",
        ",S=5,W=7",
        ",S=5,W=99",
        ",S=0,W=0",
        ",S=x,W=y",
        ",W=6,S=4",
    ],
)
def test_sizes_in_names(place: MaildirPlace, sizes: str) -> None:
    place.put(f"1700000000.M1P1.host{sizes}", b"a\nb\n")
    place.put(f"1700000000.M2P1.host{sizes}:2,RS", b"a\nb\n", folder="cur")
    assert contents(place.store) == [b"a\r\nb\r\n"] * 2


@pytest.mark.parametrize("length", [4, 100_000])
def test_wrong_w_is_found_out_and_mended(place: MaildirPlace, length: int) -> None:
    octets = b"x" * length + b"\n"
    place.put(f"1700000000.M1P1.host,S={len(octets)},W={len(octets)}", octets)
    place.put("1700000001.M1P1.host", b"other\n")
    maildrop = opened(place.store)
    with pytest.raises(StoreError):
        read_all(maildrop, 0)
    assert read_all(maildrop, 1) == b"other\r\n"
    maildrop.release()
    assert contents(place.store) == [b"x" * length + b"\r\n", b"other\r\n"]
    assert len(place.told) == 1


@pytest.mark.parametrize("octets", [b"a\nb\n", b"x" * 100_000 + b"\n"])
@pytest.mark.parametrize("said", [(1, 1), (5, 7), (4, 7), (70_000, 70_001), (0, 0)])
def test_a_usual_name_is_believed_until_the_message_is_read(
    place: MaildirPlace, octets: bytes, said: tuple[int, int]
) -> None:
    liar = f"1700000000.M000001P1.host,S={said[0]},W={said[1]}"
    place.put(liar, octets)
    place.put("1700000001.M000001P1.host,S=6,W=7", b"other\n")
    maildrop = opened(place.store)
    assert list(maildrop.snapshot.sizes) == [said[1], 7]
    with pytest.raises(StoreError):
        read_all(maildrop, 0)
    assert read_all(maildrop, 1) == b"other\r\n"
    uidls = list(maildrop.snapshot.uidls)
    maildrop.release()
    for _ in range(2):
        maildrop = opened(place.store)
        canonical = octets.replace(b"\n", b"\r\n")
        assert list(maildrop.snapshot.sizes) == [len(canonical), 7]
        assert list(maildrop.snapshot.uidls) == uidls
        assert read_all(maildrop, 0) == canonical
        maildrop.release()
        place.restart()
    assert len(place.told) == 1
    assert (place.folder() / ".pop3gw.distrusted").read_text() == f"{liar}\n"


def test_a_liar_that_is_gone_is_forgotten_with_the_next(place: MaildirPlace) -> None:
    names = [f"170000000{number}.M000001P1.host,S=1,W=1" for number in range(2)]
    for name in names:
        file = place.put(name, b"more\n")
        maildrop = opened(place.store)
        with pytest.raises(StoreError):
            read_all(maildrop, 0)
        maildrop.release()
        assert contents(place.store) == [b"more\r\n"]
        if name == names[0]:
            file.unlink()
    assert (place.folder() / ".pop3gw.distrusted").read_text() == f"{names[1]}\n"


def test_order(place: MaildirPlace) -> None:
    names = [
        "1700000000.4711_0.host",
        "1700000000.M5P1.host",
        "1700000000.M10P1Q2.host",
        "1700000000.M10P1Q10.host",
        "1700000000.Vfe01I123M000100.host",
        "1700000000.M000101P1Q000001Rffff.host,S=1,W=3",
        "1700000000.M101P1.host,S=1,W=3",
        "1700000001.4711_0.host",
    ]
    for number in (3, 1, 7, 0, 5, 6, 4, 2):
        place.put(names[number], b"%d" % number)
    assert contents(place.store) == [b"%d\r\n" % number for number in range(8)]


def test_order_by_time_of_change_where_the_name_tells_none(place: MaildirPlace) -> None:
    for number, seconds in ((1, 1_500_000_000), (0, 1_400_000_000), (3, 1_700_000_000)):
        os.utime(place.put(f"message-{number}", b"%d" % number), (seconds, seconds))
    place.put("1600000000.4711_0.host", b"2")
    expected = [b"0\r\n", b"1\r\n", b"2\r\n", b"3\r\n"]
    assert contents(place.store) == expected
    place.put("message-4", b"4")
    assert contents(place.store) == [*expected, b"4\r\n"]
    maildrop = opened(place.store)
    assert [maildrop.attributes(index).arrived for index in range(4)] == [
        1.4e9,
        1.5e9,
        1.6e9,
        1.7e9,
    ]


def test_what_is_no_message(place: MaildirPlace, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"not yours\n")
    new = place.folder() / "new"
    (new / "folder").mkdir()
    (new / "link").symlink_to(secret)
    os.mkfifo(new / "pipe")
    place.put(".hidden", b"x")
    place.put("1700000000.1_0.host", b"a message\n")
    assert contents(place.store) == [b"a message\r\n"]


def test_a_message_replaced_by_a_link_or_pipe(place: MaildirPlace, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"not yours\n")
    paths = [place.put(f"170000000{number}.1_0.host", b"x" * 8 + b"\n") for number in range(2)]
    maildrop = opened(place.store)
    for path in paths:
        path.unlink()
    paths[0].symlink_to(secret)
    os.mkfifo(paths[1])
    for index in (0, 1):
        with pytest.raises(StoreError):
            result(maildrop.open_message(index))


def test_messages_move_and_get_flags(place: MaildirPlace) -> None:
    paths = [place.put(f"170000000{number}.1_0.host", b"%d\n" % number) for number in range(4)]
    maildrop = opened(place.store)
    cur = place.folder() / "cur"
    paths[1].rename(cur / f"{paths[1].name}:2,")
    paths[2].rename(cur / f"{paths[2].name}:2,")
    (cur / f"{paths[2].name}:2,").rename(cur / f"{paths[2].name}:2,RS")
    assert [read_all(maildrop, index) for index in range(4)] == [
        b"%d\r\n" % number for number in range(4)
    ]
    paths[3].rename(cur / f"{paths[3].name}:2,S")
    assert result(maildrop.commit([1, 2, 3])) == []
    maildrop.release()
    assert [path.name for path in place.files()] == [paths[0].name]


def test_flags_and_folders_change_no_unique_id(place: MaildirPlace) -> None:
    names = ["1700000000.1_0.host", "no time", "x" * 100]
    paths = [place.put(name, b"a\n") for name in names]
    before = uidls(place.store)
    for path in paths:
        path.rename(place.folder() / "cur" / f"{path.name}:2,FS")
    assert uidls(place.store) == before
    place.restart()
    assert uidls(place.store) == before


def test_vanished(place: MaildirPlace) -> None:
    paths = [place.put(f"170000000{number}.1_0.host", b"%d\n" % number) for number in range(3)]
    maildrop = opened(place.store)
    paths[1].unlink()
    with pytest.raises(MessageGone):
        result(maildrop.open_message(1))
    assert read_all(maildrop, 2) == b"2\r\n"
    assert result(maildrop.commit([0, 1])) == []
    maildrop.release()
    assert contents(place.store) == [b"2\r\n"]


def test_the_whole_mailbox_vanished(place: MaildirPlace) -> None:
    deliver(place.store, b"1\r\n")
    maildrop = opened(place.store)
    shutil.rmtree(place.folder())
    with pytest.raises(MessageGone):
        result(maildrop.open_message(0))
    assert result(maildrop.commit([0])) == []
    maildrop.release()
    assert contents(place.store) == []
    deliver(place.store, b"2\r\n")
    shutil.rmtree(place.folder() / "new")
    deliver(place.store, b"3\r\n")
    shutil.rmtree(place.folder() / "cur")
    assert contents(place.store) == [b"3\r\n"]


@pytest.mark.parametrize("length", [10, 100_000])
def test_rewritten_with_other_line_ends(place: MaildirPlace, length: int) -> None:
    path = place.put("1700000000.1_0.host", b"x" * length + b"\n")
    maildrop = opened(place.store)
    path.write_bytes(b"x" * length + b"\r\n")
    assert read_all(maildrop, 0) == b"x" * length + b"\r\n"


@pytest.mark.parametrize("length", [10, 100_000])
def test_rewritten_with_other_contents(place: MaildirPlace, length: int) -> None:
    path = place.put("1700000000.1_0.host", b"x" * length + b"\n")
    maildrop = opened(place.store)
    path.write_bytes(b"y" * length + b"more\n")
    with pytest.raises(StoreError):
        result(maildrop.open_message(0))
    maildrop.release()
    assert contents(place.store) == [b"y" * length + b"more\r\n"]


@pytest.mark.parametrize("change", [b"", b"x" * 70_000, b"x" * 200_000 + b"\n"])
def test_rewritten_while_it_is_read(place: MaildirPlace, change: bytes) -> None:
    path = place.put("1700000000.1_0.host", b"x" * 150_000 + b"\n")
    maildrop = opened(place.store)
    reader = result(maildrop.open_message(0))
    octets = result(reader.read())
    path.write_bytes(change)
    with pytest.raises(StoreError):
        while block := result(reader.read()):
            octets += block
    assert len(octets) <= 150_002


def test_two_files_under_one_base_name(place: MaildirPlace) -> None:
    name = "1700000000.1_0.host"
    paths = [
        place.put(f"{name}:2,S", b"second\n", folder="cur"),
        place.put(name, b"first\n"),
        place.put(f"{name}:2,RS", b"third\n", folder="cur"),
    ]
    for path, seconds in zip(paths, (2000, 1000, 3000), strict=True):
        os.utime(path, (seconds, seconds))
    ids = uidls(place.store)
    assert len(set(ids)) == 3
    assert ids[0] == name
    assert contents(place.store)[0] == b"first\r\n"
    assert sorted(contents(place.store)) == [b"first\r\n", b"second\r\n", b"third\r\n"]
    place.restart()
    assert uidls(place.store) == ids


@pytest.mark.parametrize("folder", ["new", "cur"])
def test_a_newcomer_under_the_base_name_of_another(place: MaildirPlace, folder: str) -> None:
    name = "1700000000.1_0.host"
    place.put(f"{name}:2,S", b"old\n", folder="cur")
    assert uidls(place.store) == [name]
    os.utime(place.put(f"{name}:2,RS", b"newcomer\n", folder=folder), (1, 1))
    ids = uidls(place.store)
    assert ids[0] == name
    assert len(set(ids)) == 2
    assert contents(place.store) == [b"old\r\n", b"newcomer\r\n"]


def test_another_file_in_the_place_of_one(place: MaildirPlace) -> None:
    path = place.put("1700000000.1_0.host", b"old\n")
    opened(place.store).release()
    path.rename(path.with_name("keeps-the-inode"))
    path.write_bytes(b"another\n")
    path.with_name("keeps-the-inode").unlink()
    assert contents(place.store) == [b"another\r\n"]


def test_one_file_in_both_folders_is_one_message(place: MaildirPlace) -> None:
    path = place.put("1700000000.1_0.host", b"a\n")
    (place.folder() / "cur" / "1700000000.1_0.host:2,S").hardlink_to(path)
    assert contents(place.store) == [b"a\r\n"]


def test_counted_sizes_outlive_a_restart(place: MaildirPlace) -> None:
    path = place.put("1700000000.1_0.host", b"a\nb\n")
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    opened(place.store).release()
    # Same size, same times: only who reads the file again can tell.
    path.write_bytes(b"aaa\n")
    os.utime(path, ns=times)
    place.restart()
    assert list(opened(place.store).snapshot.sizes) == [6]


def test_counted_sizes_of_a_file_that_changed_are_void(place: MaildirPlace) -> None:
    path = place.put("1700000000.1_0.host", b"a\nb\n")
    opened(place.store).release()
    path.write_bytes(b"aaa\n")
    os.utime(path, (1, 1))
    place.restart()
    assert contents(place.store) == [b"aaa\r\n"]


@pytest.mark.parametrize("damage", [b"", b"\xff\n" * 9, b"6 4 1", b"x x x x\n", b"9 4 1 a\n\n7"])
def test_damaged_notes_on_sizes(place: MaildirPlace, damage: bytes) -> None:
    place.put("1700000000.1_0.host", b"a\nb\n")
    notes = place.folder() / ".pop3gw.sizes"
    notes.write_bytes(damage)
    assert contents(place.store) == [b"a\r\nb\r\n"]
    assert notes.read_bytes().startswith(damage)
    place.restart()
    assert contents(place.store) == [b"a\r\nb\r\n"]


@contextmanager
def as_somebody(folder: Path) -> Iterator[None]:
    """Give up the rights of root, if we have them, and own `folder`."""
    if os.geteuid() != 0:
        yield
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 65534, 65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_unreadable_blocks_nobody(open_folder: Path) -> None:
    place = MaildirPlace(open_folder)
    paths = [place.put(f"170000000{number}.1_0.host", b"%d\n" % number) for number in range(3)]
    paths[1].chmod(0)
    with as_somebody(open_folder):
        maildrop = opened(place.store)
        assert list(maildrop.snapshot.sizes) == [3, 2, 3]
        with pytest.raises(StoreError, match=r"1700000001\.1_0\.host: Permission denied"):
            result(maildrop.open_message(1))
        assert read_all(maildrop, 2) == b"2\r\n"
        maildrop.release()
        paths[1].chmod(0o600)
        maildrop = opened(place.store)
        with pytest.raises(StoreError):
            # Its size was never counted; that shows now, and is mended.
            result(maildrop.open_message(1))
        maildrop.release()
        assert contents(place.store) == [b"0\r\n", b"1\r\n", b"2\r\n"]


def test_unreadable_folder_is_no_empty_mailbox(open_folder: Path) -> None:
    place = MaildirPlace(open_folder)
    place.put("1700000000.1_0.host", b"a\n")
    (place.folder() / "new").chmod(0)
    with as_somebody(open_folder):
        with pytest.raises(StoreError, match="Permission denied"):
            opened(place.store)
        with pytest.raises(StoreError, match="Permission denied"):
            place.administration.usage(ANNA)
        (place.folder() / "new").chmod(0o700)
        assert contents(place.store) == [b"a\r\n"]


def test_what_cannot_be_removed_is_said(open_folder: Path) -> None:
    place = MaildirPlace(open_folder)
    place.put("1700000000.1_0.host", b"0\n")
    place.put("1700000001.1_0.host:2,S", b"1\n", folder="cur")
    with as_somebody(open_folder):
        maildrop = opened(place.store)
        (place.folder() / "new").chmod(0o500)
        assert result(maildrop.commit([0, 1])) == [0]
        maildrop.release()
        assert contents(place.store) == [b"0\r\n"]
        (place.folder() / "new").chmod(0o700)


def test_old_files_in_tmp_are_removed(place: MaildirPlace) -> None:
    tmp = place.folder() / "tmp"
    hour = 3600.0
    ages = {"old": (40, 40), "read lately": (1, 40), "written lately": (40, 1), "young": (35, 35)}
    for name, (read, written) in ages.items():
        path = tmp / name
        path.write_bytes(b"x")
        now = path.stat().st_mtime
        os.utime(path, (now - read * hour, now - written * hour))
    opened(place.store)
    assert sorted(path.name for path in tmp.iterdir()) == ["read lately", "written lately", "young"]
