"""Several processes on one SQLite store, and processes that die."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.store.interfaces import MaildropInUse
from tests.store.conformance import ANNA, BERT, client, contents, deliver, opened, uidls
from tests.store.processes import SECONDS, process, read_line
from tests.store.sqlite_place import SQLitePlace

PRELUDE = """
import itertools, os, random, sys, threading
from pathlib import Path
from gateway.store.interfaces import MessageAttributes
from tests.store.conformance import *
from tests.store.sqlite_place import SQLitePlace
place = SQLitePlace(Path(sys.argv[1]))
"""

HOLDER = """
maildrop = opened(place.store, by=client("198.51.100.9"))
print("held", flush=True)
sys.stdin.read()
"""

LOADER = """
def tell(*words):
    os.write(1, " ".join(words).encode() + b"\\n")

def load(store, thread):
    source = random.Random(f"{os.getpid()}-{thread}")
    for number in itertools.count():
        name = f"{os.getpid()}-{thread}-{number}"
        size = source.choice([0, 100, 4000, 60_000, 200_000])
        lines = b"0123456789abc\\r\\n" * (size // 15)
        octets = f"{name} {size}\\r\\n".encode() + lines + b"end\\r\\n"
        mailboxes = source.choice([[ANNA], [BERT], [ANNA, BERT]])
        tell("began", name, *mailboxes)
        deliver(store, octets, *mailboxes)
        tell("stored", name, *mailboxes)

for n in range(3):
    threading.Thread(target=load, args=(place.another(), n)).start()
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[SQLitePlace]:
    with closing(SQLitePlace(tmp_path)) as place:
        yield place


def test_a_hold_ends_with_its_process(place: SQLitePlace, tmp_path: Path) -> None:
    with process(tmp_path, PRELUDE + HOLDER) as holder:
        assert read_line(holder) == b"held\n"
        waiting = place.store.open_maildrop(ANNA, client())
        place.clock.pump([0.1] * 102)
        failures: list[MaildropInUse] = []
        waiting.addErrback(lambda failure: failures.append(failure.value))
        assert failures[0].host == "198.51.100.9"
        holder.kill()
        holder.wait(timeout=SECONDS)
        opened(place.store).release()


def test_stores_write_side_by_side(place: SQLitePlace) -> None:
    stores = [place.another() for _ in range(3)]
    given: list[list[str]] = [[] for _ in stores]

    def load(number: int) -> None:
        for _ in range(60):
            given[number] += [copy.uidl for copy in deliver(stores[number], b"a\r\n", ANNA, BERT)]

    threads = [threading.Thread(target=load, args=(number,)) for number in range(len(stores))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    stored = uidls(place.store)
    assert len(stored) == len(set(stored)) == 180
    assert set(stored) == {uidl for some in given for uidl in some}


def test_killed_at_any_time(place: SQLitePlace, tmp_path: Path) -> None:
    """What was acknowledged is there once, and whole; the rest is there whole or not at all."""
    source = random.Random(7)
    stored: Counter[tuple[str, str]] = Counter()
    began: set[tuple[str, str]] = set()
    for _ in range(6):
        with process(tmp_path, PRELUDE + LOADER) as child:
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
    named = {name for (name,) in place.query("SELECT name FROM files")}
    assert {file.name for file in place.files()} == named
    ours = {path.name for path in place.layout.arriving.iterdir()}
    assert all(name == ".lock" or name.startswith(f"{os.getpid()}-") for name in ours)
    assert place.query("PRAGMA integrity_check") == [("ok",)]


def _name_of_whole(octets: bytes) -> str:
    """Return the name of a message, and check that all of it is there."""
    first, _, rest = octets.partition(b"\r\n")
    name, size = first.decode().split()
    assert rest == b"0123456789abc\r\n" * (int(size) // 15) + b"end\r\n"
    return name


WRITER = """
store = place.another()
octets = b"x" * 62 + b"\\r\\n"
for number in range(1000):
    deliver(store, octets * 900, ANNA)
print("stored", flush=True)
sys.stdin.read()
"""


@pytest.mark.slow
def test_the_log_of_two_that_are_busy_stays_short(place: SQLitePlace, tmp_path: Path) -> None:
    log = place.layout.folder / "mail.sqlite-wal"
    with process(tmp_path, PRELUDE + WRITER) as one, process(tmp_path, PRELUDE + WRITER) as two:
        for writer in (one, two):
            assert read_line(writer) == b"stored\n"
        assert log.stat().st_size < 24 << 20
