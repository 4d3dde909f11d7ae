"""Snapshots: shared while nothing changes, right after any change, bounded in memory."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from gateway.store.maildir.build import list_mailbox
from gateway.store.maildir.listing import Listing, ListingCache
from gateway.store.maildir.names import NameMaker
from gateway.store.maildir.slices import free_in_slices, sorted_in_slices
from tests.store.conformance import ANNA, contents, deliver, opened, result
from tests.store.maildir_place import MaildirPlace


def snapshot(place: MaildirPlace) -> object:
    maildrop = opened(place.store)
    maildrop.release()
    return maildrop.snapshot


def settle(place: MaildirPlace) -> None:
    """Make the last change of the mailbox lie far enough back to be told from a later one."""
    for name in ("new", "cur"):
        os.utime(place.folder() / name, (1e9, 1e9))


def test_the_same_object_while_nothing_changes(place: MaildirPlace) -> None:
    deliver(place.store, b"a\r\n")
    settle(place)
    first = snapshot(place)
    assert snapshot(place) is first
    deliver(place.store, b"b\r\n")
    second = snapshot(place)
    assert second is not first
    settle(place)
    assert snapshot(place) is second
    maildrop = opened(place.store)
    result(maildrop.commit([0]))
    maildrop.release()
    assert snapshot(place) is not second


def test_a_settled_mailbox_is_not_read_again(place: MaildirPlace) -> None:
    path = place.put("1700000000.1_0.host", b"a\n")
    settle(place)
    first = snapshot(place)
    path.unlink()
    settle(place)
    # Nobody can tell; this only shows that nothing was read.
    assert snapshot(place) is first


def test_a_change_within_the_clocks_step_is_seen(place: MaildirPlace) -> None:
    """A folder changed twice at the same tick of the clock that stamps it."""
    place.put("1700000000.1_0.host", b"a\n")
    new = place.folder() / "new"
    stamp = time.time_ns() + 1_000_000_000
    os.utime(new, ns=(stamp, stamp))
    assert len(contents(place.store)) == 1
    place.put("1700000001.1_0.host", b"b\n")
    os.utime(new, ns=(stamp, stamp))
    assert len(contents(place.store)) == 2


def test_flags_and_moves_keep_the_snapshot(place: MaildirPlace) -> None:
    for number in range(10):
        place.put(f"170000000{number}.1_0.host", b"%d\n" % number)
    first = snapshot(place)
    for path in place.files()[::2]:
        path.rename(place.folder() / "cur" / f"{path.name}:2,S")
    assert snapshot(place) is first
    assert contents(place.store) == [b"%d\r\n" % number for number in range(10)]


class Changes:
    """Changes a mailbox at random, as several programs might."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.random = random.Random(seed)
        self.names = NameMaker("host")
        self.number = 0

    def make_one(self) -> None:
        getattr(self, self.random.choice(["add"] * 4 + ["add_late", "remove", "move", "flag"]))()

    def add(self) -> None:
        octets = b"x" * self.random.randint(0, 50)
        ours = self.names.make(len(octets), len(octets) + 2 if octets else 0)
        self.number += 1
        name = self.random.choice([ours, f"1700000{self.number:03}.1_0.host", f"m{self.number}"])
        (self.folder / "new" / name).write_bytes(octets)

    def add_late(self) -> None:
        """Add a message that arrived before others that are there."""
        self.number += 1
        name = f"{self.random.randint(1_500_000_000, 1_900_000_000)}.{self.number}.host:2,S"
        (self.folder / "cur" / name).write_bytes(b"late\n")

    def remove(self) -> None:
        for path in self.some():
            path.unlink()

    def move(self) -> None:
        for path in self.some():
            path.rename(self.folder / "cur" / f"{path.name.partition(':')[0]}:2,")

    def flag(self) -> None:
        for path in self.some():
            flags = self.random.choice(["", "S", "RS", "F"])
            path.rename(path.parent / f"{path.name.partition(':')[0]}:2,{flags}")

    def some(self) -> list[Path]:
        paths = sorted([*(self.folder / "new").iterdir(), *(self.folder / "cur").iterdir()])
        return self.random.sample(paths, min(len(paths), self.random.randint(0, 3)))


def everything(listing: Listing) -> list[tuple[object, ...]]:
    return [
        (
            listing.path(index),
            listing.snapshot.sizes[index],
            listing.snapshot.uidls[index],
            listing.columns.file_octets[index],
            listing.columns.inodes[index],
            listing.place(index),
        )
        for index in range(len(listing))
    ]


@pytest.mark.parametrize("seed", range(12))
def test_what_is_remembered_equals_what_is_there(place: MaildirPlace, seed: int) -> None:
    folder = place.folder()
    changes = Changes(folder, seed)
    names = NameMaker()
    listing: Listing | None = None
    for _ in range(60):
        for _ in range(changes.random.randint(0, 4)):
            changes.make_one()
        listing = list_mailbox(folder, names, previous=listing, owned=True)
        fresh = list_mailbox(folder, names, owned=False)
        assert everything(listing) == everything(fresh)
        assert listing.snapshot.octets == sum(fresh.snapshot.sizes)
    assert len(listing) > 10


def test_a_long_mailbox_is_in_order(place: MaildirPlace) -> None:
    folder = place.folder()
    names = NameMaker("host")
    made = [names.make(2, 3) for _ in range(6000)]
    for name in random.Random(1).sample(made, len(made)):
        (folder / "new" / name).touch()
    listing = list_mailbox(folder, names, owned=True)
    assert list(listing.snapshot.uidls) == made
    later = [names.make(2, 3) for _ in range(10)]
    for name in (*later, "1000000000.1_0.host"):
        (folder / "new" / name).touch()
    for name in made[100:200]:
        (folder / "new" / name).unlink()
    again = list_mailbox(folder, names, previous=listing, owned=True)
    expected = ["1000000000.1_0.host", *made[:100], *made[200:], *later]
    assert list(again.snapshot.uidls) == expected


@pytest.mark.parametrize("count", [0, 1, 2047, 2048, 5000, 30_000])
@pytest.mark.parametrize("alike", [False, True])
def test_sorting_in_slices(count: int, alike: bool) -> None:
    source = random.Random(count)
    places = [f"{1 if alike else source.randint(0, 999)} {source.random()}" for _ in range(count)]
    indexes = source.sample(range(count), count - count // 10)
    slices = list(sorted_in_slices(indexes, places))
    in_order = [index for part in slices for index in part]
    assert in_order == sorted(indexes, key=places.__getitem__)
    assert all(slices)
    assert max(map(len, slices), default=0) < 8192
    free_in_slices(places)
    assert places == []


def listing_of(folder: Path, messages: int) -> Listing:
    listing = Listing(folder, (0, 0, 0, 0), True)
    listing.columns.names = [f"{number}" for number in range(messages)]
    return listing


def test_the_cache_is_bounded_and_keeps_what_was_used_last(tmp_path: Path) -> None:
    cache = ListingCache(1000)
    for number in range(9):
        cache.put(f"m{number}", listing_of(tmp_path, 100))
        assert cache.get("m0") is not None
        assert cache.messages <= 1000
    cache.put("m9", listing_of(tmp_path, 300))
    assert cache.messages <= 1000
    assert [n for n in range(10) if cache.get(f"m{n}") is not None] == [0, 4, 5, 6, 7, 8, 9]
    cache.put("m9", listing_of(tmp_path, 10))
    cache.put("huge", listing_of(tmp_path, 2000))
    assert cache.get("huge") is None
    assert cache.get("m0") is not None
    for number in range(10):
        cache.drop(f"m{number}")
    assert cache.messages == 0


def test_a_mailbox_beyond_the_bound_is_served_all_the_same(tmp_path: Path) -> None:
    place = MaildirPlace(tmp_path, cached_messages=5)
    for number in range(10):
        deliver(place.store, b"%d\r\n" % number, ANNA)
    for _ in range(2):
        assert contents(place.store) == [b"%d\r\n" % number for number in range(10)]
