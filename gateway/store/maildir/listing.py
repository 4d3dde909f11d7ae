"""The messages of a mailbox as they were found, and for how long that holds."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from gateway.store.interfaces import MessageAttributes, Snapshot
from gateway.store.maildir.columns import Columns
from gateway.store.maildir.names import base_name, place, place_by_time, time_of_place
from gateway.store.maildir.records import Records

# The clock that stamps folders may stand still for 10 ms: a later change can have the same time.
_CLOCK_STEP_NS = 50_000_000

Stamp = tuple[int, int, int, int]
"""Time of change and inode of new/, then of cur/."""


def folder_stamp(folder: Path) -> Stamp:
    """Say in which state the two folders of messages are."""
    new, cur = os.stat(f"{folder}/new"), os.stat(f"{folder}/cur")  # noqa: PTH116  (half the time)
    return new.st_mtime_ns, new.st_ino, cur.st_mtime_ns, cur.st_ino


def is_settled(stamp: Stamp) -> bool:
    """Say of a stamp just taken whether any later change will give another stamp."""
    return max(stamp[0], stamp[2]) <= time.time_ns() - _CLOCK_STEP_NS


class Listing:
    """The messages of a mailbox in order of arrival, and where each of them lies."""

    __slots__ = (
        "_stamp",
        "columns",
        "folder",
        "records",
        "settled",
        "snapshot",
        "tidied_at",
        "unnamed",
    )

    def __init__(self, folder: Path, stamp: Stamp, settled: bool) -> None:
        self.folder = folder
        self._stamp = stamp
        self.settled = settled
        """Whether the stamp can tell that nothing has changed since."""
        self.columns = Columns()
        self.snapshot = Snapshot((), ())
        self.unnamed: dict[str, str] = {}
        """Places by base name, of those messages whose names tell no time."""
        self.records: Records = {}
        """Attributes by base name, of those messages that have any."""
        self.tidied_at = time.time()
        """When tmp/ was last looked at, in seconds since the epoch."""

    def __len__(self) -> int:
        return len(self.columns)

    def take_snapshot(self, previous: Listing | None) -> None:
        """Make the snapshot, or take the previous one where it says the same."""
        columns = self.columns
        if previous is not None:
            before = previous.columns
            if before.octets == columns.octets and before.uidls == columns.uidls:
                self.snapshot = previous.snapshot
                return
        self.snapshot = Snapshot(columns.octets, columns.uidls, self._smtputf8())

    def _smtputf8(self) -> list[int]:
        marked = {base for base, attributes in self.records.items() if attributes.smtputf8}
        if not marked:
            return []
        positions = self.columns.positions()
        return sorted(positions[base] for base in marked)

    def is_current(self) -> bool:
        """Say whether the mailbox still holds exactly this."""
        try:
            return self.settled and folder_stamp(self.folder) == self._stamp
        except OSError:
            return False

    def path(self, index: int) -> str:
        """Say where the message at `index` was found."""
        subfolder = "cur" if self.columns.in_cur[index] else "new"
        return f"{self.folder}/{subfolder}/{self.columns.names[index]}"

    def paths(self, indexes: Iterable[int]) -> dict[str, str]:
        """Say where some messages were found, by base name."""
        return {self.base(index): self.path(index) for index in indexes}

    def base(self, index: int) -> str:
        """Return the base name of the message at `index`."""
        return base_name(self.columns.names[index])

    def place(self, index: int) -> str:
        """Return the text by which the message at `index` has its place in the order."""
        base = self.base(index)
        if base in self.records and self.records[base].arrived:
            return place_by_time(self.records[base].arrived, base)
        return self.unnamed.get(base) or place(base)

    def attributes(self, index: int) -> MessageAttributes:
        """Return the attributes of the message at `index`, its time of arrival filled in."""
        attributes = self.records.get(self.base(index), MessageAttributes())
        if attributes.arrived:
            return attributes
        return replace(attributes, arrived=time_of_place(self.place(index)))


class ListingCache:
    """Keeps the listings of the mailboxes used last, up to a number of messages in all."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._listings: OrderedDict[str, Listing] = OrderedDict()
        self.messages = 0
        """How many messages the listings have together. Never above the bound."""

    def get(self, mailbox: str) -> Listing | None:
        """Return the listing of a mailbox, current or not."""
        listing = self._listings.get(mailbox)
        if listing is not None:
            self._listings.move_to_end(mailbox)
        return listing

    def put(self, mailbox: str, listing: Listing) -> None:
        """Keep a listing, unless it alone is beyond the bound."""
        self.drop(mailbox)
        if self._cost(listing) > self._bound:
            return
        self._listings[mailbox] = listing
        self.messages += self._cost(listing)
        while self.messages > self._bound:
            self.messages -= self._cost(self._listings.popitem(last=False)[1])

    def drop(self, mailbox: str) -> None:
        """Forget the listing of a mailbox."""
        listing = self._listings.pop(mailbox, None)
        if listing is not None:
            self.messages -= self._cost(listing)

    @staticmethod
    def _cost(listing: Listing) -> int:
        # An empty one takes as much memory as a few messages, one with attributes about twice.
        return len(listing) + len(listing.records) + 8
