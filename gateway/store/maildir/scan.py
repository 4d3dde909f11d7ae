"""Looking through the folders of a mailbox. Blocks: not for a reactor thread."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.store.maildir.columns import Columns, Row
from gateway.store.maildir.distrusted import load as load_distrusted
from gateway.store.maildir.distrusted import save as save_distrusted
from gateway.store.maildir.listing import Listing, folder_stamp, is_settled
from gateway.store.maildir.names import (
    NameMaker,
    parse,
    parse_usual,
    place_by_time,
    uidl,
)
from gateway.store.maildir.records import Records
from gateway.store.maildir.sizes import CountedSizes
from gateway.store.maildir.slices import SLICE, let_others_run

_KIND_OF_FILE = 0o170000
_REGULAR_FILE = 0o100000


class Scan:
    """One look through new/ and cur/.

    What a name tells about sizes is believed until the message is read: a reader finds out when it
    is not so, sends nothing, and the next look counts (see `distrusted`).

    @param previous: what was found last time: a file that is still there is not looked at again.
    @param distrusted: base names whose sizes are to be counted, whatever the name says.
    """

    def __init__(
        self,
        folder: Path,
        records: Records,
        previous: Listing | None,
        distrusted: Collection[str],
        names: NameMaker,
    ) -> None:
        self._folder = folder
        self._records = records
        self._distrusted = distrusted
        self._counted = load_distrusted(folder)
        """Those of which the same was found out before, and which were counted then."""
        self._unusual = records.keys() | set(distrusted) | self._counted
        self._names = names
        self._disturbed = False
        self.stamp = folder_stamp(folder)
        self.settled = is_settled(self.stamp)
        self._before = previous.columns if previous is not None else Columns()
        self._known = self._before.positions()
        self.still_there = bytearray(len(self._before))
        """1 for each message of the previous listing that was found again."""
        self.renamed: dict[int, str] = {}
        """New names of those, by index in the previous listing, where the name is another."""
        self.moved: dict[int, int] = {}
        """For the same ones, whether they are in cur/ now."""
        self.fresh = Columns()
        """The messages that were not in the previous listing, as they were found."""
        self.places: list[str] = []
        """Their places in the order of arrival."""
        self.found: dict[str, int] = {}
        """Their indexes in `fresh` by base name."""
        self.unnamed: dict[str, str] = {}
        """Places by base name, of those whose names tell no time."""
        self._unsized: list[str] = []
        """Those whose canonical size is not known."""

    def read(self) -> None:
        """Find all messages. Files that vanish meanwhile are left out."""
        for in_cur, name in enumerate(("new", "cur")):
            self._read_folder(self._folder / name, in_cur)
        for base in self._known.keys() & self.found.keys():
            if self.still_there[self._known[base]]:
                self._rename(self._path(self.found[base]))

    def holds(self, base: str) -> bool:
        """Say whether there is a message of this base name."""
        index = self._known.get(base)
        return base in self.found or (index is not None and bool(self.still_there[index]))

    def was_disturbed(self) -> bool:
        """Say whether messages came, went or moved meanwhile: one may have slipped through."""
        return self._disturbed or folder_stamp(self._folder) != self.stamp

    def _read_folder(self, folder: Path, in_cur: int) -> None:
        found, known, unusual, places = self.found, self._known, self._unusual, self.places
        rows: list[Row] = []
        with _opened(folder) as descriptor, os.scandir(descriptor) as entries:
            for number, entry in enumerate(entries):
                if not number % SLICE:
                    self._add_rows(rows)
                    let_others_run()
                name = entry.name
                base = name.partition(":")[0] if ":" in name else name
                if base in known and self._recall(known[base], name, in_cur, entry.inode()):
                    continue
                sizes = parse_usual(base)
                place = base if sizes is not None else _place_of_unsized(base)
                if not place or base in unusual or base in found:
                    self._look_at(entry, base, in_cur, rows)
                elif entry.is_file(follow_symlinks=False):
                    # What the folder tells is enough, and costs no system call.
                    found[base] = len(places)
                    places.append(place)
                    if sizes is not None:
                        octets = int(sizes[1]), int(sizes[2])
                        rows.append((name, in_cur, entry.inode(), *octets, base))
                    else:
                        self._unsized.append(base)
                        rows.append((name, in_cur, entry.inode(), 0, 0, uidl(base)))
        self._add_rows(rows)

    def _look_at(self, entry: os.DirEntry[str], base: str, in_cur: int, rows: list[Row]) -> None:
        """Take in what may be a message, if it is one. The name alone does not tell enough."""
        name = entry.name
        if name[0] == ".":
            return
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return
        if status.st_mode & _KIND_OF_FILE != _REGULAR_FILE:
            return
        if base in self.found:
            self._add_rows(rows)  # the twin may be among them
            path = self._folder / ("cur" if in_cur else "new") / name
            if self._is_twin(path, status, self.found[base]):
                return
        place, octets = self._look_closer(base, status)
        self.found[base] = len(self.places)
        self.places.append(place)
        rows.append((name, in_cur, status.st_ino, status.st_size, octets, uidl(base)))

    def _add_rows(self, rows: list[Row]) -> None:
        self.fresh.append_all(rows)
        rows.clear()

    def _recall(self, index: int, name: str, in_cur: int, inode: int) -> bool:
        """Take note that a message of the previous listing is still there.

        @return: False if it is another file under the same base name.
        """
        before = self._before
        if before.inodes[index] != inode:
            return False
        self.still_there[index] = 1
        if before.in_cur[index] != in_cur or before.names[index] != name:
            self.renamed[index] = name
            self.moved[index] = in_cur
        return True

    def _look_closer(self, base: str, status: os.stat_result) -> tuple[str, int]:
        """Return place and canonical octets of a message that is not as most are."""
        place, file_octets, octets = parse(base)
        if file_octets != status.st_size or octets < 0 or self._is_distrusted(base):
            octets = 0
            self._unsized.append(base)
        if base in self._records and self._records[base].arrived:
            return place_by_time(self._records[base].arrived, base), octets
        if not place:
            place = self.unnamed[base] = place_by_time(status.st_mtime, base)
        return place, octets

    def _is_distrusted(self, base: str) -> bool:
        """Say whether its size was counted once, whatever its name says."""
        return base in self._distrusted or base in self._counted

    def _is_twin(self, path: Path, status: os.stat_result, other: int) -> bool:
        """Whether this is a second file under a base name, and not the same one, moved meanwhile.

        Of such two the younger gets another name, since two messages would have one unique-id.
        Either way there is to be another look.
        """
        self._disturbed = True
        if self.fresh.inodes[other] == status.st_ino:
            self.fresh.names[other] = path.name
            self.fresh.in_cur[other] = path.parent.name == "cur"
            return True
        try:
            age = status.st_mtime_ns - self._path(other).lstat().st_mtime_ns
        except FileNotFoundError:
            return True
        self._rename(path if age >= 0 else self._path(other))
        return True

    def _path(self, index: int) -> Path:
        return Path(self._place_of_file(index))

    def _place_of_file(self, index: int) -> str:
        subfolder = "cur" if self.fresh.in_cur[index] else "new"
        return f"{self._folder}/{subfolder}/{self.fresh.names[index]}"

    def _rename(self, path: Path) -> None:
        """Give a message file a base name of its own. The next look finds it."""
        self._disturbed = True
        try:
            path.rename(path.with_name(self._names.make(path.lstat().st_size, None)))
        except FileNotFoundError:
            # It moved on. The next look finds it wherever it is.
            return

    def complete_sizes(self, remember: bool) -> None:
        """Count the octets of those messages whose sizes are not known yet.

        @param remember: whether to write down in the mailbox folder what was counted.
        """
        sizes = CountedSizes(self._folder)
        if self._unsized:
            with _opened(self._folder / "new") as new, _opened(self._folder / "cur") as cur:
                self._count_unsized(sizes, (new, cur))
        if remember:
            sizes.save()
            if not self._counted.issuperset(self._distrusted):
                save_distrusted(
                    self._folder, filter(self.holds, self._counted.union(self._distrusted))
                )

    def _count_unsized(self, sizes: CountedSizes, folders: tuple[int, int]) -> None:
        fresh = self.fresh
        for base in self._unsized:
            index = self.found[base]
            name, folder = fresh.names[index], folders[fresh.in_cur[index]]
            try:
                found = sizes.of_file(base, name, folder, again=base in self._distrusted)
            except FileNotFoundError:
                del self.found[base]
                continue
            fresh.file_octets[index], fresh.octets[index] = found


def _place_of_unsized(base: str) -> str:
    """Return the place of a message whose name tells its time, but no canonical size; else ""."""
    place, _, octets = parse(base)
    return place if octets < 0 else ""


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
