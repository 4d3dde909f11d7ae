"""The maildrop of a mailbox folder, held by one session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure
from zope.interface import implementer

from gateway.store.disk_errors import told_as_store_error
from gateway.store.holds import Hold
from gateway.store.in_thread import InThread
from gateway.store.interfaces import (
    IKeepingMaildrop,
    IMaildrop,
    IMessageReader,
    MessageAttributes,
    MessageGone,
    StoreError,
)
from gateway.store.maildir.age import older_than
from gateway.store.maildir.listing import Listing
from gateway.store.maildir.locate import locate
from gateway.store.maildir.reader import SizeMismatch, open_reader
from gateway.store.maildir.removals import Removals
from gateway.store.maildir.sizes import count


@implementer(IMaildrop, IKeepingMaildrop)
class Maildrop:
    """See `IMaildrop`.

    @param distrust: called with the mailbox and the base name of a message whose size is not what
        was thought.
    @param removals: who takes deleted messages away.
    """

    def __init__(
        self,
        hold: Hold,
        listing: Listing,
        in_thread: InThread,
        distrust: Callable[[str, str], None],
        removals: Removals,
    ) -> None:
        self.mailbox = hold.mailbox
        self.snapshot = listing.snapshot
        self._hold = hold
        self._listing = listing
        self._in_thread = in_thread
        self._distrust = distrust
        self._removals = removals
        self._removing = False
        self._released = False

    def open_message(self, index: int) -> IMessageReader | Deferred[IMessageReader]:
        """See `IMaildrop.open_message`."""
        path = self._listing.path(index)
        try:
            return self._open(index, path, self._listing.columns.file_octets[index])
        except FileNotFoundError:
            return self._search(index)
        except SizeMismatch:
            return self._in_thread(_count, path).addCallback(self._counted, index, path)
        except StoreError:
            return fail()

    def attributes(self, index: int) -> MessageAttributes:
        """See `IMaildrop.attributes`."""
        return self._listing.attributes(index)

    def commit(self, deleted: Sequence[int]) -> Deferred[list[int]]:
        """See `IMaildrop.commit`."""
        return self._take_away(deleted, None)

    def set_aside(self, deleted: Sequence[int], until: float) -> Deferred[list[int]]:
        """See `IKeepingMaildrop.set_aside`."""
        return self._take_away(deleted, until)

    def older_than(self, moment: float) -> Deferred[list[int]]:
        """See `IKeepingMaildrop.older_than`."""
        return self._in_thread(older_than, self._listing, moment)

    def _take_away(self, deleted: Sequence[int], until: float | None) -> Deferred[list[int]]:
        if not deleted:
            return succeed([])
        self._removing = True
        removal = self._removals.take_away(self._listing, deleted, until)
        return removal.addBoth(self._removed, deleted)

    def release(self) -> None:
        """See `IMaildrop.release`. Others have to wait until a removal under way has ended."""
        self._released = True
        if not self._removing:
            self._hold.release()

    def _open(self, index: int, path: str, file_octets: int) -> IMessageReader:
        octets = self.snapshot.sizes[index]
        return open_reader(path, file_octets, octets, lambda: self._mistrust(index))

    def _mistrust(self, index: int) -> None:
        self._distrust(self.mailbox, self._listing.base(index))

    def _search(self, index: int) -> Deferred[IMessageReader]:
        """Look for a message that is no longer where it was."""
        base = self._listing.base(index)
        search = self._in_thread(locate, self._listing.folder, (base,))
        return search.addCallback(self._located, index)

    def _located(self, paths: dict[str, Path], index: int) -> IMessageReader:
        path = paths.get(self._listing.base(index))
        if path is None:
            raise MessageGone(f"{self._listing.path(index)} was removed by another program")
        return self._reopen(index, str(path), self._listing.columns.file_octets[index])

    def _counted(self, counted: tuple[int, int], index: int, path: str) -> IMessageReader:
        """A file was rewritten. What counts is what it is on the wire."""
        file_octets, octets = counted
        if octets != self.snapshot.sizes[index]:
            self._mistrust(index)
            raise SizeMismatch(f"{path} has changed since it was listed")
        return self._reopen(index, path, file_octets)

    def _reopen(self, index: int, path: str, file_octets: int) -> IMessageReader:
        try:
            return self._open(index, path, file_octets)
        except FileNotFoundError:
            raise MessageGone(f"{path} was removed by another program") from None
        except SizeMismatch:
            self._mistrust(index)
            raise

    def _removed(self, result: set[str] | Failure, deleted: Sequence[int]) -> list[int] | Failure:
        self._removing = False
        if self._released:
            self._hold.release()
        if isinstance(result, Failure):
            return result
        if not result:
            return []
        return [index for index in deleted if self._listing.base(index) in result]


def _count(path: str) -> tuple[int, int]:
    with told_as_store_error("read", path):
        return count(path)
