"""The maildrop of a mailbox, held by one session."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import partial

from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure
from zope.interface import implementer

from gateway.store.holds import Hold
from gateway.store.interfaces import IKeepingMaildrop, IMaildrop, MessageAttributes, StoreError
from gateway.store.sqlite.asking import Asking
from gateway.store.sqlite.committer import Committer
from gateway.store.sqlite.insertion import MICROSECONDS
from gateway.store.sqlite.jobs import Removal
from gateway.store.sqlite.layout import Layout
from gateway.store.sqlite.listing import Listing, attributes
from gateway.store.sqlite.read_ahead import ReadAhead, ReadAheads
from gateway.store.sqlite.reader import FileReader, open_body, read_run
from gateway.store.whole_message import WholeMessage


@implementer(IMaildrop, IKeepingMaildrop)
class Maildrop:
    """See `IMaildrop`."""

    def __init__(
        self,
        hold: Hold,
        listing: Listing,
        layout: Layout,
        asking: Asking,
        committer: Committer,
        read_aheads: ReadAheads,
    ) -> None:
        self.mailbox = hold.mailbox
        self.snapshot = listing.snapshot
        self._hold = hold
        self._listing = listing
        self._layout = layout
        self._asking = asking
        self._committer = committer
        self._ahead = ReadAhead(read_aheads, listing.snapshot.sizes)
        self._removing = False
        self._released = False

    def open_message(
        self, index: int
    ) -> WholeMessage | FileReader | Deferred[WholeMessage | FileReader]:
        """See `IMaildrop.open_message`."""
        content = self._ahead.take(index)
        if content is None:
            count = self._ahead.count_from(index)
            if count > 1:
                self._read_ahead(index, count)
                content = self._ahead.take(index)
        if content is not None:
            return WholeMessage(content)
        octets = self.snapshot.sizes[index]
        try:
            return self._asking.at_once(open_body, self._layout, self._listing.key(index), octets)
        except StoreError:
            return fail()

    def _read_ahead(self, index: int, count: int) -> None:
        """Read messages, up to one of which there is anything to say."""
        try:
            rows = self._asking.at_once_or_not(read_run, self._listing.key(index), count)
        except StoreError:
            return  # who asks for one of them alone is told
        contents = []
        for at, (place, number, content) in enumerate(rows or (), index):
            if (place, number) != self._listing.key(at)[1:]:
                break
            if content is None or len(content) != self.snapshot.sizes[at]:
                break
            contents.append(content)
        self._ahead.keep(index, contents)

    def attributes(self, index: int) -> MessageAttributes:
        """See `IMaildrop.attributes`."""
        key = self._listing.key(index)
        found = self._asking.at_once(attributes, key)
        if isinstance(found, Deferred):
            found.addErrback(lambda _: None)
            return MessageAttributes(arrived=key[1] / MICROSECONDS)
        return found

    def commit(self, deleted: Sequence[int]) -> Deferred[list[int]]:
        """See `IMaildrop.commit`."""
        return self._take_away(deleted, None)

    def set_aside(self, deleted: Sequence[int], until: float) -> Deferred[list[int]]:
        """See `IKeepingMaildrop.set_aside`."""
        return self._take_away(deleted, until)

    def older_than(self, moment: float) -> Deferred[list[int]]:
        """See `IKeepingMaildrop.older_than`. No message arrived later than its place says."""
        return succeed(list(range(bisect_left(self._listing.places, round(moment * MICROSECONDS)))))

    def _take_away(self, deleted: Sequence[int], until: float | None) -> Deferred[list[int]]:
        if not deleted:
            return succeed([])
        listing = self._listing
        runs = partial(listing.runs, deleted)
        removal = Removal(listing.mailbox, len(deleted), runs, until)
        self._removing = True
        self._committer.submit(removal)
        return removal.answer.addBoth(self._removed)

    def release(self) -> None:
        """See `IMaildrop.release`. Others have to wait until a removal under way has ended."""
        self._released = True
        self._ahead.clear()
        if not self._removing:
            self._hold.release()

    def _removed(self, result: Failure | None) -> list[int] | Failure:
        self._removing = False
        if self._released:
            self._hold.release()
        return result if isinstance(result, Failure) else []
