"""A power cut at any sync: what was acknowledged is on the disk, once, and whole."""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path

import pytest

from tests.store.conformance import ANNA, BERT, contents, uidls
from tests.store.power_cut import Disk, traced
from tests.store.sqlite_place import SQLitePlace

SCRIPT = """
import os, sys
from pathlib import Path
from tests.store.conformance import *
from tests.store.sqlite_place import SQLitePlace

place = SQLitePlace(Path(sys.argv[1]))

def tell(*words):
    os.write(2, " ".join(words).encode())

def put(name, size, *mailboxes):
    octets = f"{name} {size}\\r\\n".encode() + b"0123456789abc\\r\\n" * (size // 15)
    tell("began", name, *mailboxes)
    deliver(place.store, octets, *mailboxes)
    tell("stored", name, *mailboxes)

for round in range(2):
    put(f"small-{round}", 300, ANNA)
    put(f"both-{round}", 6000, ANNA, BERT)
    put(f"large-{round}", 90_000, BERT)
    put(f"large-both-{round}", 75_000, ANNA, BERT)
    place.store._checkpoints.checkpoint()
maildrop = opened(place.store, BERT)
tell("deleting", "both-0", "large-0")
result(maildrop.commit([0, 1]))
tell("deleted", "both-0", "large-0")
maildrop.release()
put("last", 300, BERT)
place.close()
tell("closed")
"""
STATES = 40


def _name_of_whole(octets: bytes) -> str:
    first, _, rest = octets.partition(b"\r\n")
    name, size = first.decode().split()
    assert rest == b"0123456789abc\r\n" * (int(size) // 15)
    return name


class Ledger:
    """What the process has said so far."""

    def __init__(self) -> None:
        self.stored: set[tuple[str, str]] = set()
        self.began: set[tuple[str, str]] = set()
        self.dying: set[tuple[str, str]] = set()

    def hear(self, text: str) -> None:
        match text.split():
            case ["began", name, *mailboxes]:
                self.began |= {(name, mailbox) for mailbox in mailboxes}
            case ["stored", name, *mailboxes]:
                self.stored |= {(name, mailbox) for mailbox in mailboxes}
            case ["deleting", *names]:
                self.dying = {(name, BERT) for name in names}
            case ["deleted", *_]:
                self.began -= self.dying
                self.stored -= self.dying
                self.dying = set()

    def check(self, folder: Path) -> None:
        with closing(SQLitePlace(folder)) as place:
            assert place.told == []
            found = [
                (_name_of_whole(octets), mailbox)
                for mailbox in (ANNA, BERT)
                for octets in contents(place.store, mailbox)
            ]
            assert len(found) == len(set(found))
            assert self.stored - self.dying <= set(found) <= self.began
            assert len(set(uidls(place.store))) == len(uidls(place.store))


@pytest.mark.slow
def test_power_cut(tmp_path: Path) -> None:
    root = tmp_path / "disk"
    root.mkdir()
    lines = traced(root, SCRIPT)
    disk, ledger = Disk(root), Ledger()
    syncs = sum("sync(" in line for line in lines)
    chance = random.Random(11)
    chosen = set(chance.sample(range(syncs), STATES))
    states = 0
    for number, text in enumerate(disk.replay(lines)):
        if text is not None:
            ledger.hear(text)
        if text is None and number not in chosen:
            continue
        for luck in (None, chance):
            copy = tmp_path / f"state-{states}"
            copy.mkdir()
            disk.write_to(copy, luck)
            ledger.check(copy)
            states += 1
    assert len(ledger.stored) > 8
    assert states > STATES
