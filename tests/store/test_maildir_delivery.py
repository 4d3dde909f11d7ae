"""Deliveries into Maildirs: what lies where, memory and spool, and what can go wrong."""

from __future__ import annotations

import errno
import os
import resource
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from gateway.store.interfaces import MessageAttributes, StorageFull, StoreError
from gateway.store.maildir import copies as copies_module
from gateway.store.maildir.names import parse
from tests.store.conformance import (
    ANNA,
    BERT,
    AttributesConformance,
    DeliveryConformance,
    contents,
    deliver,
    result,
    uidls,
)
from tests.store.maildir_place import MaildirPlace
from tests.store.threads import Threads, commit_together, deliver_together

BIG = b"0123456789\r\n" * 20_000


def spooled(place: MaildirPlace) -> list[Path]:
    """Return what lies in the spool, but for what says that processes live."""
    return [path for path in place.spool.rglob("*") if path.is_file() and path.name[0] != "."]


def test_what_lies_where(place: MaildirPlace) -> None:
    (copy,) = deliver(place.store, b"a\r\nb\r\n")
    (path,) = place.files()
    assert path == place.root / "example.com" / "anna" / "new" / copy.uidl
    assert path.read_bytes() == b"a\nb\n"
    assert parse(path.name)[1:] == (4, 6)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in (path.parent, path.parents[1], path.parents[2]):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(p.name for p in path.parents[1].iterdir()) == ["cur", "new", "tmp"]


def test_written_once_for_all(place: MaildirPlace) -> None:
    copies = deliver(place.store, BIG, ANNA, BERT)
    (anna,), (bert,) = place.files(ANNA), place.files(BERT)
    assert anna.samefile(bert)
    assert [copy.uidl for copy in copies] == [anna.name, bert.name]
    anna.unlink()
    assert contents(place.store, BERT) == [BIG]


class SystemWithoutNamelessFiles:
    """The same on systems and file systems that lack O_TMPFILE."""

    @pytest.fixture(autouse=True)
    def without(self, monkeypatch: pytest.MonkeyPatch, place: MaildirPlace) -> None:
        monkeypatch.delattr(os, "O_TMPFILE")
        place.restart()

    def test_spool_has_a_file(self, place: MaildirPlace) -> None:
        writer = place.store.begin_delivery(MessageAttributes())
        writer.write(BIG)
        assert len(spooled(place)) == 1
        writer.abort()
        assert spooled(place) == []
        deliver(place.store, BIG)
        assert spooled(place) == []


class TestNamedDelivery(SystemWithoutNamelessFiles, DeliveryConformance):
    pass


class TestNamedAttributes(SystemWithoutNamelessFiles, AttributesConformance):
    pass


@pytest.fixture
def threads() -> Threads:
    return Threads()


def test_small_messages_wait_in_memory(place: MaildirPlace, threads: Threads) -> None:
    writer = place.another(threads).begin_delivery(MessageAttributes())
    for _ in range(65):
        assert writer.write(b"x" * 1000) is None
    assert threads.calls == []
    committed = writer.commit((ANNA,))
    assert len(threads.calls) == 1
    threads.run_one()
    assert len(result(committed)) == 1


def test_a_writer_is_told_to_wait(place: MaildirPlace, threads: Threads) -> None:
    writer = place.another(threads).begin_delivery(MessageAttributes())
    assert writer.write(b"x" * 65_536) is None
    assert len(threads.calls) == 1
    assert writer.write(b"y" * 60_000) is None
    second, third = writer.write(b"z" * 10_000), writer.write(b"\r\n")
    assert not second.called and not third.called
    assert len(threads.calls) == 1
    threads.run_one()
    assert second.called and third.called
    # What waited is beyond 64 KiB: it is sent on at once.
    assert len(threads.calls) == 1
    threads.run_one()
    committed = writer.commit((ANNA,))
    threads.run_all()
    assert len(result(committed)) == 1
    assert contents(place.store) == [b"x" * 65_536 + b"y" * 60_000 + b"z" * 10_000 + b"\r\n"]


def test_commit_while_the_spool_is_written(place: MaildirPlace, threads: Threads) -> None:
    writer = place.another(threads).begin_delivery(MessageAttributes())
    writer.write(b"x" * 70_000)
    assert writer.write(b"end\r\n") is None
    committed = writer.commit((ANNA,))
    threads.run_one()
    assert contents(place.store) == []
    threads.run_all()
    assert len(result(committed)) == 1
    assert contents(place.store) == [b"x" * 70_000 + b"end\r\n"]


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_abort_while_the_spool_is_written(place: MaildirPlace, threads: Threads) -> None:
    store = place.another(threads)
    before = open_descriptors()
    writer = store.begin_delivery(MessageAttributes())
    writer.write(b"x" * 70_000)
    writer.write(b"y" * 70_000)
    writer.abort()
    while threads.calls:
        threads.run_one()
    assert open_descriptors() == before
    assert contents(place.store) == []


def test_all_messages_together_are_bounded_in_memory(tmp_path: Path, threads: Threads) -> None:
    place = MaildirPlace(tmp_path, memory_octets=100_000)
    store = place.another(threads)
    writers = [store.begin_delivery(MessageAttributes()) for _ in range(12)]
    for writer in writers[:10]:
        writer.write(b"x" * 10_000)
    assert threads.calls == []
    writers[10].write(b"x" * 10_000)
    assert len(threads.calls) == 1
    threads.run_one()
    writers[0].abort()
    writers[11].write(b"x" * 10_000)
    assert threads.calls == []
    committed = [writer.commit((ANNA,)) for writer in writers[1:]]
    while threads.calls:
        threads.run_one()
    assert [len(result(deferred)) for deferred in committed] == [1] * 11
    # All is given back: there is room for ten again.
    for _ in range(10):
        store.begin_delivery(MessageAttributes()).write(b"x" * 10_000)
    assert threads.calls == []


def test_in_one_mailbox_or_in_none(place: MaildirPlace) -> None:
    place.folder(ANNA)
    place.folder(BERT).parent.joinpath("carl").write_bytes(b"a file, where a folder should be")
    for mailboxes in (
        (ANNA, BERT, "carl@example.org"),
        ("carl@example.org", ANNA),
        ("dora@example.org", "carl@example.org"),
    ):
        with pytest.raises(StoreError, match=r"/carl.*: Not a directory"):
            deliver(place.store, b"a\r\n", *mailboxes)
        for mailbox in (ANNA, BERT, "dora@example.org"):
            assert contents(place.store, mailbox) == []
    assert len(deliver(place.store, b"a\r\n", ANNA, BERT)) == 2


def test_in_a_group_each_message_stands_for_itself(place: MaildirPlace) -> None:
    place.folder(BERT).parent.joinpath("carl").write_bytes(b"a file, where a folder should be")
    first, second, third, fourth = commit_together(
        place,
        [
            (b"1\r\n", (BERT,)),
            (b"2\r\n", (ANNA,)),
            (b"3\r\n", (ANNA, "carl@example.org")),
            (b"4\r\n", (ANNA, BERT)),
        ],
    )
    assert [len(result(each)) for each in (first, second, fourth)] == [1, 1, 2]
    with pytest.raises(StoreError, match=r"/carl.*: Not a directory"):
        result(third)
    assert contents(place.store, ANNA) == [b"2\r\n", b"4\r\n"]
    assert contents(place.store, BERT) == [b"1\r\n", b"4\r\n"]
    assert spooled(place) == []


def test_a_folder_of_a_group_cannot_be_synced(
    place: MaildirPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sync_folder(folder: Path | str) -> None:
        if str(folder).endswith("bert/new"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    deliver(place.store, b"0\r\n", ANNA, BERT)
    monkeypatch.setattr(copies_module, "sync_folder", sync_folder)
    commits = commit_together(
        place,
        [(b"1\r\n", (ANNA,)), (b"2\r\n", (ANNA,)), (b"3\r\n", (ANNA, BERT)), (b"4\r\n", (BERT,))],
    )
    assert [len(result(commit)) for commit in commits[:2]] == [1, 1]
    for commit in commits[2:]:
        with pytest.raises(StoreError, match=r"bert: Input/output error"):
            result(commit)
    assert contents(place.store, ANNA) == [b"0\r\n", b"1\r\n", b"2\r\n"]
    assert contents(place.store, BERT) == [b"0\r\n"]


def test_a_group_keeps_the_order_of_its_messages(place: MaildirPlace) -> None:
    texts = [b"%d\r\n" % number for number in range(300)]
    copies = deliver_together(place, [(text, (ANNA,)) for text in texts])
    assert contents(place.store) == texts
    assert uidls(place.store) == [copy.uidl for (copy,) in copies]


def test_a_name_too_long(place: MaildirPlace) -> None:
    with pytest.raises(StoreError, match="File name too long"):
        deliver(place.store, b"a\r\n", "x" * 300 + "@example.com")


@contextmanager
def few_descriptors(spare: int) -> Iterator[None]:
    """Leave this process only so many descriptors to open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = []
    try:
        highest = max(int(path.name) for path in Path("/proc/self/fd").iterdir())
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 2, hard))
        with suppress(OSError):
            while True:
                held.append(os.open("/dev/null", os.O_RDONLY))
        for _ in range(spare):
            os.close(held.pop())
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in held:
            os.close(descriptor)


@pytest.mark.parametrize("spare", [0, 1])
@pytest.mark.parametrize("octets", [b"small\r\n", BIG])
def test_no_descriptors_left(place: MaildirPlace, spare: int, octets: bytes) -> None:
    deliver(place.store, b"before\r\n", ANNA, BERT)
    with few_descriptors(spare), pytest.raises(StorageFull, match="Too many open files"):
        deliver(place.store, octets, ANNA, BERT)
    assert contents(place.store, ANNA) == contents(place.store, BERT) == [b"before\r\n"]
    with few_descriptors(2):
        deliver(place.store, octets, ANNA, BERT)
    assert contents(place.store) == [b"before\r\n", octets]


def test_the_spool_was_deleted(place: MaildirPlace) -> None:
    subprocess.run(["rm", "-r", place.spool], check=True, timeout=10)
    deliver(place.store, BIG)
    assert contents(place.store) == [BIG]


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[None]:
    """Mount a small file system of its own on `folder`; for root only."""
    options = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)]
    mounted = subprocess.run(options, capture_output=True, timeout=10, check=False)
    if mounted.returncode:
        pytest.skip(f"SKIPPED FAULT TEST: cannot mount: {mounted.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=10)


@pytest.mark.parametrize("what", ["mail", "spool", "both"])
def test_disk_full(tmp_path: Path, what: str) -> None:
    folder = tmp_path if what == "both" else tmp_path / what
    folder.mkdir(exist_ok=True)
    with mounted(folder, "512k"), closing(MaildirPlace(tmp_path)) as place:
        deliver(place.store, b"before\r\n", ANNA, BERT)
        for _ in range(2):
            with pytest.raises(StorageFull, match="No space left on device"):
                deliver(place.store, b"x" * 1_000_000, ANNA, BERT)
            assert contents(place.store, ANNA) == contents(place.store, BERT) == [b"before\r\n"]
            assert spooled(place) == []
            for mailbox in (ANNA, BERT):
                assert not list((place.folder(mailbox) / "tmp").iterdir())
        ballast = folder / "ballast"
        with pytest.raises(OSError, match="No space"), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        with pytest.raises(StorageFull):
            deliver(place.store, b"x" * 10_000, ANNA)
        # Reading and deleting need no room.
        assert contents(place.store) == [b"before\r\n"]
        ballast.unlink()
        deliver(place.store, b"after\r\n")
        assert contents(place.store) == [b"before\r\n", b"after\r\n"]


def test_read_only(tmp_path: Path) -> None:
    mail = tmp_path / "mail"
    mail.mkdir()
    with mounted(mail, "512k"), closing(MaildirPlace(tmp_path)) as place:
        deliver(place.store, b"before\r\n")
        for how, works in (("ro", False), ("rw", True)):
            subprocess.run(["mount", "-o", f"remount,{how}", mail], check=True, timeout=10)
            if works:
                deliver(place.store, b"after\r\n")
            else:
                with pytest.raises(StoreError, match="Read-only file system"):
                    deliver(place.store, b"x\r\n")
        assert contents(place.store) == [b"before\r\n", b"after\r\n"]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[MaildirPlace]:
    """Mail on another file system than the spool."""
    with mounted(_made(tmp_path / "mail"), "64m"), closing(MaildirPlace(tmp_path)) as place:
        yield place


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_spool_on_another_file_system(elsewhere: MaildirPlace) -> None:
    place = elsewhere
    assert place.root.stat().st_dev != place.spool.stat().st_dev
    copies = deliver(place.store, BIG, ANNA, BERT)
    for mailbox in (ANNA, BERT):
        assert contents(place.store, mailbox) == [BIG]
        assert not list((place.folder(mailbox) / "tmp").iterdir())
        (path,) = place.files(mailbox)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    place.restart()
    assert uidls(place.store) == [copies[0].uidl]
    (place.root / "example.org" / "carl").write_bytes(b"")
    with pytest.raises(StoreError):
        deliver(place.store, BIG, ANNA, BERT, "carl@example.org")
    assert contents(place.store, ANNA) == contents(place.store, BERT) == [BIG]
