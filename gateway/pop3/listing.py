"""The answers to LIST and UIDL, rendered in slices, once for each snapshot."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any
from weakref import WeakKeyDictionary

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from zope.interface import implementer

from gateway.pop3.replies import TERMINATOR
from gateway.store.interfaces import IMessageReader, Snapshot

SLICE = 2000
"""Lines that are rendered at a time: well below a millisecond."""


def render(values: Sequence[object], left_out: Collection[int] = ()) -> Iterator[bytes]:
    """Yield the lines of a scan listing in slices, without a terminator.

    @param values: the sizes or the unique-ids of a snapshot.
    @param left_out: indexes of messages that are not listed.
    """
    for first in range(0, len(values), SLICE):
        part: Iterable[tuple[int, object]] = enumerate(values[first : first + SLICE], first + 1)
        if left_out:
            part = [pair for pair in part if pair[0] - 1 not in left_out]
        items = tuple(chain.from_iterable(part))
        if items:
            # One conversion of all is a third faster than one of each line.
            yield ("%d %s\r\n" * (len(items) // 2) % items).encode("ascii")


class RenderedListing:
    """A full listing that is rendered as far as somebody has asked for it."""

    def __init__(self, values: Sequence[object]) -> None:
        self._coming = render(values)
        self._slices: list[bytes] = []
        self.whole: bytes | None = None
        """All of it, the terminator included, once somebody has asked for all of it; what is
        short, at once."""
        if len(values) <= SLICE:
            self.whole = b"".join([*self._coming, TERMINATOR])

    def __iter__(self) -> Iterator[bytes]:
        """Yield the slices, without the terminator."""
        at, slices = 0, self._slices
        while True:
            if at == len(slices):
                octets = next(self._coming, b"")
                if not octets:
                    break
                slices.append(octets)
            yield slices[at]
            at += 1
        if self.whole is None:
            self.whole = b"".join([*slices, TERMINATOR])
            self._slices = []  # those who are still under way have the old list


class RenderedListings:
    """Keeps what was rendered for as long as the snapshot lives."""

    def __init__(self) -> None:
        self._rendered: WeakKeyDictionary[Snapshot, dict[str, RenderedListing]]
        self._rendered = WeakKeyDictionary()

    def get(self, snapshot: Snapshot, attribute: str) -> RenderedListing:
        """Return the full scan listing of `attribute`: "sizes" or "uidls"."""
        listings = self._rendered.setdefault(snapshot, {})
        if attribute not in listings:
            # Only the values: the snapshot, under which this is kept, could never be let go of.
            listings[attribute] = RenderedListing(getattr(snapshot, attribute))
        return listings[attribute]


LISTINGS = RenderedListings()
"""Shared by all sessions: snapshots are, too."""


@implementer(IMessageReader)
class ListingReader:
    """Hands out a listing as if it were a message, so that it is sent as one: in blocks, as fast
    as the client reads.

    @param clock: lets other connections have their turn after each block.
    """

    def __init__(self, slices: Iterator[bytes], clock: IReactorTime) -> None:
        self._slices = slices
        self._clock = clock
        self._begun = False

    def read(self) -> Any:
        """See `IMessageReader`."""
        if self._begun:
            return deferLater(self._clock, 0, next, self._slices, b"")
        self._begun = True
        return next(self._slices, b"")

    def close(self) -> None:
        """See `IMessageReader`."""
        self._slices = iter(())
