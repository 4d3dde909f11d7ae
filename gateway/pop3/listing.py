"""The answers to LIST and UIDL, rendered once for each snapshot."""

from __future__ import annotations

from collections.abc import Collection
from weakref import WeakKeyDictionary

from gateway.pop3.replies import TERMINATOR
from gateway.store.interfaces import Snapshot


def render_scan(snapshot: Snapshot, attribute: str, left_out: Collection[int] = ()) -> bytes:
    """Return the scan listing of `attribute` ("sizes" or "uidls"), terminator included.

    @param left_out: indexes of messages that are not listed.
    """
    values = enumerate(getattr(snapshot, attribute), 1)
    if left_out:
        lines = [f"{at} {value}\r\n" for at, value in values if at - 1 not in left_out]
    else:
        lines = [f"{at} {value}\r\n" for at, value in values]
    return "".join(lines).encode("ascii") + TERMINATOR


class RenderedListings:
    """Keeps what was rendered for as long as the snapshot lives."""

    def __init__(self) -> None:
        self._rendered: WeakKeyDictionary[Snapshot, dict[str, bytes]] = WeakKeyDictionary()

    def get(self, snapshot: Snapshot, attribute: str) -> bytes:
        """Return the full scan listing of `attribute`."""
        listings = self._rendered.setdefault(snapshot, {})
        listing = listings.get(attribute)
        if listing is None:
            listing = listings[attribute] = render_scan(snapshot, attribute)
        return listing


LISTINGS = RenderedListings()
"""Shared by all sessions: snapshots are, too."""
