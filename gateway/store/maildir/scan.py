"""Looking through the folders of a mailbox. Blocks: not for a reactor thread."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from gateway.store.maildir.columns import Columns, Found
from gateway.store.maildir.listing import Listing, folder_stamp, is_settled
from gateway.store.maildir.names import NameMaker, order_key_of_time, parse
from gateway.store.maildir.records import Records
from gateway.store.maildir.sizes import Counted, CountedSizes, count
from gateway.store.maildir.slices import SLICE, let_others_run

_KIND_OF_FILE = 0o170000
_REGULAR_FILE = 0o100000


class Scan:
    """One look through new/ and cur/.

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
        self._unusual = records.keys() | set(distrusted)
        self._names = names
        self._disturbed = False
        self.stamp = folder_stamp(folder)
        self.settled = is_settled(self.stamp)
        self._columns = previous.columns if previous is not None else Columns()
        self._known = self._columns.positions()
        self.still_there = bytearray(len(self._columns))
        """1 for each message of the previous listing that was found again."""
        self.renamed: dict[int, tuple[str, int]] = {}
        """New name and folder (as in `Columns`) by the index in the previous listing."""
        self.found: dict[str, Found] = {}
        """The messages that were not in the previous listing, by base name."""
        self.unsized: dict[str, int] = {}
        """Times of change, in nanoseconds, of those whose canonical size is not known."""
        self.unnamed_arrivals: dict[str, str] = {}
        """Order keys of those whose names tell no time."""

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
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        found, known, unusual = self.found, self._known, self._unusual
        try:
            with os.scandir(descriptor) as entries:
                for number, entry in enumerate(entries):
                    if not number % SLICE:
                        let_others_run()
                    name = entry.name
                    base = name.partition(":")[0]
                    if base in known and self._recall(known[base], name, in_cur, entry.inode()):
                        continue
                    if name[0] == "." or (base in found and self._is_twin(entry, base, folder)):
                        continue
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    if status.st_mode & _KIND_OF_FILE != _REGULAR_FILE:
                        continue
                    key, file_octets, octets = parse(base)
                    if file_octets != status.st_size or octets < 0 or not key or base in unusual:
                        key, octets = self._look_closer(base, status)
                    size, inode = status.st_size, status.st_ino
                    found[base] = (key, base, name, in_cur, inode, size, octets)
        finally:
            os.close(descriptor)

    def _recall(self, index: int, name: str, in_cur: int, inode: int) -> bool:
        """Take note that a message of the previous listing is still there.

        @return: False if it is another file under the same base name.
        """
        columns = self._columns
        if columns.inodes[index] != inode:
            return False
        self.still_there[index] = 1
        if columns.in_cur[index] != in_cur or columns.names[index] != name:
            self.renamed[index] = name, in_cur
        return True

    def _look_closer(self, base: str, status: os.stat_result) -> tuple[str, int]:
        """Return order key and canonical octets of a message that is not as most are."""
        key, file_octets, octets = parse(base)
        if file_octets != status.st_size or octets < 0 or base in self._distrusted:
            octets = 0
            self.unsized[base] = status.st_mtime_ns
        if base in self._records and self._records[base].arrived:
            return order_key_of_time(self._records[base].arrived), octets
        if not key:
            key = self.unnamed_arrivals[base] = order_key_of_time(status.st_mtime)
        return key, octets

    def _is_twin(self, entry: os.DirEntry[str], base: str, folder: Path) -> bool:
        """Whether this is a second file under a base name, and not the same one, moved meanwhile.

        Of such two the younger gets another name, since two messages would have one unique-id.
        """
        other = self.found[base]
        if other[4] == entry.inode():
            return False
        this_path, other_path = folder / entry.name, self._path(other)
        try:
            age = this_path.lstat().st_mtime_ns - other_path.lstat().st_mtime_ns
        except FileNotFoundError:
            self._disturbed = True
        else:
            self._rename(this_path if age >= 0 else other_path)
        return True

    def _path(self, found: Found) -> Path:
        return self._folder / ("cur" if found[3] else "new") / found[2]

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
        known = CountedSizes(self._folder)
        for base, mtime_ns in self.unsized.items():
            key, _, name, in_cur, inode, file_octets, _ = self.found[base]
            distrusted = base in self._distrusted
            octets = None if distrusted else known.find(base, file_octets, mtime_ns)
            if octets is None:
                try:
                    file_octets, octets = count(str(self._path(self.found[base])))
                except FileNotFoundError:
                    del self.found[base]
                    continue
                except OSError:
                    # It cannot be read now. It stays in the list, and harms none of the others.
                    octets = file_octets
                else:
                    known.add(base, Counted(file_octets, mtime_ns, octets))
            self.found[base] = (key, base, name, in_cur, inode, file_octets, octets)
        if remember:
            known.save()
