"""Several processes on the same folders, and processes that die."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from gateway.store.interfaces import MaildropInUse, MessageAttributes
from gateway.store.lock import FILE
from tests.store.conformance import ANNA, BERT, client, contents, deliver, opened, result
from tests.store.maildir_place import MaildirPlace
from tests.store.processes import SECONDS, process, read_line

HOLDER = """
maildrop = opened(place.store, by=client("198.51.100.9"))
print("held", flush=True)
sys.stdin.read()
"""

SPOOLER = """
writer = place.store.begin_delivery(MessageAttributes())
writer.write(b"x" * 500_000)
print("spooled", flush=True)
sys.stdin.read()
"""

PRELUDE = """
import os, sys
from pathlib import Path
from gateway.store.interfaces import MessageAttributes
from tests.store.conformance import *
from tests.store.maildir_place import MaildirPlace
"""
NAMED = "del os.O_TMPFILE\n"
OPEN = "place = MaildirPlace(Path(sys.argv[1]))\n"


def script(text: str, named: bool = False) -> str:
    """Return a script with a place of its own."""
    return PRELUDE + (NAMED if named else "") + OPEN + text


def test_processes_exclude_one_another(place: MaildirPlace, tmp_path: Path) -> None:
    deliver(place.store, b"a\r\n")
    began = time.time()
    with process(tmp_path, script(HOLDER)) as child:
        assert read_line(child) == b"held\n"
        waiting = place.store.open_maildrop(ANNA, client())
        place.clock.pump([0.1] * 101)
        with pytest.raises(MaildropInUse) as caught:
            result(waiting)
        assert caught.value.host == "198.51.100.9"
        assert began <= caught.value.since <= time.time()
        with pytest.raises(MaildropInUse):
            place.administration.purge(ANNA)
        opened(place.store, BERT)
        child.send_signal(signal.SIGKILL)
        child.wait(SECONDS)
        assert contents(place.store) == [b"a\r\n"]


def test_the_lock_file_says_who(place: MaildirPlace) -> None:
    opened(place.store, by=client("2001:db8::" + "1" * 4)).release()
    opened(place.store, by=client("::1"))
    holder = json.loads((place.folder() / FILE).read_bytes())
    assert holder["host"] == "::1"
    assert holder["pid"] == os.getpid()
    assert abs(holder["since"] - time.time()) < SECONDS


@pytest.mark.parametrize("content", [b"", b"\xff", b"{}", b"[]", b'{"host": "x"}', b'{"since": 1'])
def test_a_lock_file_that_says_nothing(place: MaildirPlace, content: bytes) -> None:
    holder = opened(place.another())
    (place.folder() / FILE).write_bytes(content)
    waiting = place.store.open_maildrop(ANNA, client())
    place.clock.pump([0.1] * 101)
    with pytest.raises(MaildropInUse) as caught:
        result(waiting)
    assert (caught.value.host, caught.value.since) == ("", 0.0)
    holder.release()
    opened(place.store)


def test_a_child_does_not_keep_the_lock(place: MaildirPlace) -> None:
    """Between fork and exec a child has all our descriptors."""
    maildrop = opened(place.store)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    os.close(reading)
    try:
        maildrop.release()
        opened(place.another())
    finally:
        os.close(writing)
        os.waitpid(child, 0)


def test_a_mailbox_moved_away_takes_its_lock_along(place: MaildirPlace) -> None:
    deliver(place.store, b"a\r\n")
    holder = opened(place.store)
    folder = place.folder()
    folder.rename(folder.with_name("elsewhere"))
    assert contents(place.another()) == []
    holder.release()
    assert contents(place.another(), "elsewhere@example.com") == [b"a\r\n"]


@pytest.mark.parametrize("named", [False, True])
def test_what_dead_processes_left_is_removed(
    place: MaildirPlace, tmp_path: Path, named: bool
) -> None:
    spooler = script(SPOOLER, named)
    with process(tmp_path, spooler) as living, process(tmp_path, spooler) as dying:
        assert read_line(living) == read_line(dying) == b"spooled\n"
        folders = {path.name for path in place.spool.iterdir() if path.is_dir()}
        place.restart()
        mine = {path.name for path in place.spool.iterdir() if path.is_dir()} - folders
        assert len(mine) == 1
        dying.kill()
        dying.wait(SECONDS)
        dead = f"{dying.pid}-"
        assert any(name.startswith(dead) for name in folders)
        if named:
            assert list(place.spool.glob(f"{dead}*/0"))
        result(place.another().stop())
        left = {path.name for path in place.spool.iterdir() if path.is_dir()}
        assert left == {name for name in folders | mine if not name.startswith(dead)}


def test_strange_things_in_the_spool(place: MaildirPlace) -> None:
    (place.spool / "made-but-never-locked").mkdir()
    (place.spool / "file").write_bytes(b"")
    place.restart()
    assert not (place.spool / "made-but-never-locked").exists()
    assert (place.spool / "file").exists()


def test_stop_leaves_nothing(tmp_path: Path) -> None:
    place = MaildirPlace(tmp_path)
    deliver(place.store, b"x" * 100_000)
    result(place.store.stop())
    result(place.store.stop())
    assert [path.name for path in place.spool.iterdir()] == [".lock"]


LOADER = """
import itertools, random, threading

def tell(*words):
    os.write(1, " ".join(words).encode() + b"\\n")

def load(thread):
    source = random.Random(f"{sys.argv[1]}-{os.getpid()}-{thread}")
    for number in itertools.count():
        name = f"{os.getpid()}-{thread}-{number}"
        size = source.choice([0, 100, 4000, 60_000, 200_000])
        lines = b"0123456789abc\\r\\n" * (size // 15)
        octets = f"{name} {size}\\r\\n".encode() + lines + b"end\\r\\n"
        mailboxes = source.choice([[ANNA], [BERT], [ANNA, BERT]])
        attributes = MessageAttributes(uidl=f"given-{name}" if number % 5 == 0 else None)
        tell("began", name, *mailboxes)
        deliver(place.store, octets, *mailboxes, attributes=attributes)
        tell("stored", name, *mailboxes)

threads = [threading.Thread(target=load, args=(n,)) for n in range(4)]
for thread in threads:
    thread.start()
"""


@pytest.mark.parametrize("named", [False, True])
def test_killed_at_any_time(place: MaildirPlace, tmp_path: Path, named: bool) -> None:
    """What was acknowledged is there once, and whole; the rest is there whole or not at all."""
    source = random.Random(4)
    stored: Counter[tuple[str, str]] = Counter()
    began: set[tuple[str, str]] = set()
    for _ in range(10):
        with process(tmp_path, script(LOADER, named)) as child:
            assert child.stdout is not None
            first = read_line(child)
            time.sleep(source.uniform(0.05, 0.4))
            child.kill()
            for line in (first + child.stdout.read()).decode().splitlines():
                match line.split():
                    case ["stored", name, *mailboxes]:
                        stored.update((name, mailbox) for mailbox in mailboxes)
                    case ["began", name, *mailboxes]:
                        began.update((name, mailbox) for mailbox in mailboxes)
    assert len(stored) > 30
    place.restart()
    found = Counter(
        (_name_of_whole(octets), mailbox)
        for mailbox in (ANNA, BERT)
        for octets in contents(place.store, mailbox)
    )
    assert set(found.values()) == {1}
    assert stored.keys() <= found.keys() <= began
    _check_given_uidls(place)
    mine = place.stores[-1]
    result(mine.stop())
    dead = [path for path in place.spool.iterdir() if not path.name.startswith(f"{os.getpid()}-")]
    assert [path.name for path in dead] == [".lock"]
    for mailbox in (ANNA, BERT):
        assert not list((place.folder(mailbox) / "tmp").iterdir())


def _name_of_whole(octets: bytes) -> str:
    """Return the name of a message, and check that all of it is there."""
    first, _, rest = octets.partition(b"\r\n")
    name, size = first.decode().split()
    assert rest == b"0123456789abc\r\n" * (int(size) // 15) + b"end\r\n"
    return name


def _check_given_uidls(place: MaildirPlace) -> None:
    for mailbox in (ANNA, BERT):
        maildrop = opened(place.store, mailbox)
        ids = set(maildrop.snapshot.uidls)
        for index in range(len(maildrop.snapshot)):
            reader = result(maildrop.open_message(index))
            name = result(reader.read()).split()[0].decode()
            reader.close()
            if int(name.rpartition("-")[2]) % 5 == 0:
                assert f"given-{name}" in ids
                assert maildrop.attributes(index) == MessageAttributes(
                    arrived=maildrop.attributes(index).arrived, uidl=f"given-{name}"
                )
        maildrop.release()
