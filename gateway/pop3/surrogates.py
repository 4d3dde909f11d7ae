"""What a client that did not send UTF8 gets of internationalized messages (RFC 6856, RFC 6858).

Only the messages that came by SMTPUTF8 are converted (`Snapshot.smtputf8`); all others go out as
they are stored. The size of a converted message is known before anything is said about it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from twisted.internet.defer import Deferred, inlineCallbacks, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from gateway.pop3.turns import Turns
from gateway.store.interfaces import (
    IMaildrop,
    IMessageReader,
    MessageAttributes,
    Snapshot,
    StoreError,
)
from gateway.wire.downgrade import CannotDowngrade, Downgrader

REMEMBERED = 100_000
"""Messages whose converted sizes are remembered."""


class NeedsUTF8(StoreError):
    """A message has no form in which a client without UTF8 could take it."""


class _ConvertedSizes:
    """Remembers the octets of converted messages, None for those that cannot be converted."""

    def __init__(self) -> None:
        self._sizes: OrderedDict[tuple[str, str, int], int | None] = OrderedDict()

    def knows(self, key: tuple[str, str, int]) -> bool:
        return key in self._sizes

    def get(self, key: tuple[str, str, int]) -> int | None:
        self._sizes.move_to_end(key)
        return self._sizes[key]

    def put(self, key: tuple[str, str, int], octets: int | None) -> None:
        self._sizes[key] = octets
        while len(self._sizes) > REMEMBERED:
            self._sizes.popitem(last=False)


_SIZES = _ConvertedSizes()
_SNAPSHOTS: WeakKeyDictionary[Snapshot, tuple[Snapshot, frozenset[int]]] = WeakKeyDictionary()
"""Of each snapshot: the one with the converted sizes, and which messages cannot be converted."""


def in_ascii(maildrop: Any, clock: IReactorTime) -> Any:
    """Return a Deferred of a maildrop whose internationalized messages are converted.

    @param maildrop: an `IMaildrop`; it is returned itself, at once, where it has none.
    @param clock: lets other connections have their turn while sizes are measured.
    """
    return _converted(maildrop, clock) if maildrop.snapshot.smtputf8 else maildrop


@inlineCallbacks
def _converted(maildrop: Any, clock: IReactorTime) -> Generator[Deferred[Any], Any, Any]:
    snapshot = maildrop.snapshot
    if snapshot not in _SNAPSHOTS:
        sizes = list(snapshot.sizes)
        inconvertible = set()
        unreadable = False
        turns = Turns(clock)
        for index in snapshot.smtputf8:
            key = (maildrop.mailbox, snapshot.uidls[index], sizes[index])
            if not (maildrop.mailbox and _SIZES.knows(key)):
                try:
                    octets = yield _measure(maildrop, index, turns)
                except StoreError:
                    unreadable = True  # whoever asks for it will hear that
                    continue
                _SIZES.put(key, octets)
            converted = _SIZES.get(key)
            if converted is None:
                inconvertible.add(index)
            else:
                sizes[index] = converted
        converted_snapshot = Snapshot(sizes, snapshot.uidls), frozenset(inconvertible)
        if unreadable:
            return SurrogateMaildrop(maildrop, *converted_snapshot)
        _SNAPSHOTS[snapshot] = converted_snapshot
    return SurrogateMaildrop(maildrop, *_SNAPSHOTS[snapshot])


@inlineCallbacks
def _measure(maildrop: Any, index: int, turns: Turns) -> Generator[Deferred[Any], Any, int | None]:
    """Return a Deferred of the octets of a converted message, None where it has no such form."""
    reader = yield maybeDeferred(maildrop.open_message, index)
    downgrader = Downgrader()
    octets = 0
    try:
        while block := (yield maybeDeferred(reader.read)):
            octets += len(downgrader.encode(block))
            if turns.over(len(block)):
                yield turns.pause()
        return octets + len(downgrader.finish())
    except CannotDowngrade:
        return None
    finally:
        reader.close()


@implementer(IMaildrop)
class SurrogateMaildrop:
    """A maildrop with converted messages."""

    def __init__(self, maildrop: Any, snapshot: Snapshot, inconvertible: frozenset[int]) -> None:
        self._maildrop = maildrop
        self._marked = frozenset(maildrop.snapshot.smtputf8)
        self._inconvertible = inconvertible
        self.mailbox = maildrop.mailbox
        self.snapshot = snapshot

    def open_message(self, index: int) -> Any:
        """See `IMaildrop`. Fails with `NeedsUTF8`, too."""
        if index in self._inconvertible:
            raise NeedsUTF8("the message has no form in ASCII")
        opened = self._maildrop.open_message(index)
        if index not in self._marked:
            return opened
        size = self.snapshot.sizes[index]
        if isinstance(opened, Deferred):
            return opened.addCallback(SurrogateReader, size)
        return SurrogateReader(opened, size)

    def attributes(self, index: int) -> MessageAttributes:
        """See `IMaildrop`."""
        attributes: MessageAttributes = self._maildrop.attributes(index)
        return attributes

    def commit(self, deleted: Sequence[int]) -> Deferred[list[int]]:
        """See `IMaildrop`."""
        committed: Deferred[list[int]] = self._maildrop.commit(deleted)
        return committed

    def release(self) -> None:
        """See `IMaildrop`."""
        self._maildrop.release()


@implementer(IMessageReader)
class SurrogateReader:
    """Reads a message converted, and insists on the size that was announced."""

    def __init__(self, reader: Any, size: int) -> None:
        self._reader = reader
        self._left = size
        self._downgrader = Downgrader()
        self._at_end = False

    def read(self) -> Any:
        """See `IMessageReader`."""
        while not self._at_end:
            block = self._reader.read()
            if isinstance(block, Deferred):
                return block.addCallback(self._convert).addCallback(self._or_next)
            converted = self._convert(block)
            if converted:
                return converted
        return b""

    def _or_next(self, converted: bytes) -> Any:
        return converted or self.read()

    def _convert(self, block: bytes) -> bytes:
        self._at_end = not block
        try:
            converted = self._downgrader.encode(block) if block else self._downgrader.finish()
        except CannotDowngrade as error:
            raise NeedsUTF8(str(error)) from None
        self._left -= len(converted)
        if self._left < 0 or (self._at_end and self._left):
            raise StoreError("the converted message has another size than announced")
        return converted

    def close(self) -> None:
        """See `IMessageReader`."""
        self._reader.close()
