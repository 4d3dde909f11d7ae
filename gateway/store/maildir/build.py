"""From a mailbox folder to its listing: scan, sizes, order, unique-ids. Blocks."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from gateway.store.disk_errors import told_as_store_error
from gateway.store.maildir import records
from gateway.store.maildir.aside import bases_aside
from gateway.store.maildir.listing import Listing
from gateway.store.maildir.names import NameMaker, place, place_by_time, uidl
from gateway.store.maildir.records import Records
from gateway.store.maildir.scan import Scan
from gateway.store.maildir.slices import free_in_slices, sorted_in_slices

_LOOKS = 3
"""How often a mailbox that changes under our eyes is looked at anew."""
_FEW = 200
_IN_FLIGHT_SECONDS = 3600
"""A record is written before its message is: for so long it may speak of one yet to come."""


def list_mailbox(
    folder: Path,
    names: NameMaker,
    *,
    previous: Listing | None = None,
    distrusted: Collection[str] = (),
    owned: bool,
) -> Listing:
    """Find out what a mailbox holds.

    @param previous: what it held last time, to look only at what is new.
    @param distrusted: base names of messages whose sizes have to be counted again.
    @param owned: whether the caller holds the maildrop, so that notes may be left in the folder.
    @raise StoreError: a folder cannot be read.
    """
    with told_as_store_error("read the mailbox", folder):
        index = records.load(folder)
        for _ in range(_LOOKS):
            scan = Scan(folder, index, previous, distrusted, names)
            scan.read()
            if not scan.was_disturbed():
                break
        scan.complete_sizes(owned)
    listing = Listing(folder, scan.stamp, scan.settled)
    listing.records = {base: index[base] for base in index if scan.holds(base)}
    listing.unnamed = scan.unnamed
    if previous is not None:
        old = previous.unnamed
        listing.unnamed |= {base: old[base] for base in old if scan.holds(base)}
    _fill(listing, scan, previous)
    losers = _use_given_uidls(listing)
    if owned:
        _leave_notes(listing, index, losers)
    listing.take_snapshot(previous)
    return listing


def _fill(listing: Listing, scan: Scan, previous: Listing | None) -> None:
    """Put together in order what was still there and what is new."""
    indexes = list(scan.found.values())
    if previous is not None:
        old = previous.columns.renamed(scan.renamed, scan.moved)
        if not indexes and all(scan.still_there):
            listing.columns = old
            return
        # New messages mostly arrived later than all old ones: then nothing is sorted anew.
        head = _end_of_older(previous, [scan.places[index] for index in indexes])
        listing.columns.extend(old, scan.still_there[:head])
        for index in range(head, len(old)):
            if scan.still_there[index]:
                indexes.append(len(scan.places))
                scan.places.append(previous.place(index))
                scan.fresh.append(old.row(index))
    for some in sorted_in_slices(indexes, scan.places):
        listing.columns.gather(scan.fresh, some)
    free_in_slices(scan.places)


def _end_of_older(previous: Listing, places: list[str]) -> int:
    """Return how many messages of a listing have their place before all these places."""
    if not places:
        return len(previous)
    return bisect_left(range(len(previous)), min(places), key=previous.place)


def _use_given_uidls(listing: Listing) -> Records:
    """Put in the unique-ids that messages came with.

    @return: new records for those messages whose unique-id another message already has. They get
        one of their own, and for ever, even when that other is gone.
    """
    given = {base: a.uidl for base, a in listing.records.items() if a.uidl is not None}
    losers: Records = {}
    if not given:
        return losers
    uidls = listing.columns.uidls
    positions = listing.columns.positions()
    for base in given:
        uidls[positions[base]] = uidl(base)
    taken = set(uidls)
    for base, wanted in given.items():
        index = positions[base]
        if wanted == uidls[index] or wanted not in taken:
            uidls[index] = wanted
            taken.add(wanted)
        else:
            losers[base] = listing.records[base] = replace(listing.records[base], uidl=None)
    return losers


def _leave_notes(listing: Listing, index: Records, losers: Records) -> None:
    """Write down what was decided on unique-ids, and drop what is said of messages long gone."""
    try:
        if losers:
            records.append(listing.folder, losers)
        dead = index.keys() - listing.records.keys()
        if listing.settled and len(dead) > len(listing.records) + _FEW:
            dead -= bases_aside(listing.folder)
            horizon = place_by_time(time.time() - _IN_FLIGHT_SECONDS, "")
            records.rewrite(listing.folder, {b for b in dead if place(b) < horizon})
    except OSError:
        # On a full disk mail can still be read and deleted. The notes are written next time.
        return
