"""Adapts a `twisted.mail.interfaces.IMailboxPOP3` to an `IMaildrop`.

Its methods may answer at once or with a Deferred; its messages are any file objects, with whatever
line ends. It has no state that is visible before the UPDATE state: DELE and RSET are ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred, inlineCallbacks, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.mail.interfaces import IMailboxPOP3
from zope.interface import implementer

from gateway.pop3.turns import Turns
from gateway.store.interfaces import (
    IMaildrop,
    IMessageReader,
    MessageAttributes,
    MessageGone,
    Snapshot,
    StoreError,
)
from gateway.wire.newlines import CanonicalSize, CRLFEncoder

FOREIGN_INTERFACE = IMailboxPOP3

_UIDL = re.compile(rb"[\x21-\x7e]{1,70}")

BLOCK = 65_536


@inlineCallbacks
def open_foreign(
    mailbox: Any, release: Callable[[], None], *, trust_sizes: bool, clock: IReactorTime
) -> Generator[Deferred[Any], Any, ForeignMaildrop]:
    """Take the snapshot of a foreign mailbox.

    Unless `trust_sizes`, each message is read once to measure its canonical form: the interface
    leaves open whether the size it states counts CRLF, and the one we announce must be exact.

    @param release: called once, when the maildrop is released or cannot be opened.
    @return: a Deferred of an `IMaildrop`; fails with whatever the mailbox raises.
    """
    try:
        stated = yield maybeDeferred(mailbox.listMessages)
        turns = Turns(clock)
        rows = yield _identify(mailbox, stated, turns)
        if not trust_sizes:
            rows = yield _measured(mailbox, rows, turns)
    except BaseException:
        release()
        raise
    return ForeignMaildrop(mailbox, rows, release, turns)


class _Row(NamedTuple):
    """A message of the snapshot."""

    number: int
    """What the mailbox calls it, from 0."""
    size: int
    uidl: str


def _printable(uidl: bytes | str) -> str:
    """Return a unique-id as RFC 1939 section 7 allows it; any other is digested."""
    octets = uidl if isinstance(uidl, bytes) else str(uidl).encode("utf-8", "surrogateescape")
    if _UIDL.fullmatch(octets):
        return octets.decode("ascii")
    return sha256(octets).hexdigest()


@inlineCallbacks
def _identify(
    mailbox: Any, stated: Iterable[int], turns: Turns
) -> Generator[Deferred[Any], Any, list[_Row]]:
    """Return a Deferred of the messages that have a unique-id."""
    rows = []
    for number, size in enumerate(stated):
        try:
            uidl = yield maybeDeferred(mailbox.getUidl, number)
        except (ValueError, IndexError):
            continue  # it has vanished meanwhile
        except Exception:
            # What has no octets is no loss. Of anything else, silence would tell a client that
            # the message is gone.
            if size:
                raise
            continue
        rows.append(_Row(number, size, _printable(uidl)))
        if turns.over():
            yield turns.pause()
    return rows


@inlineCallbacks
def _measured(
    mailbox: Any, rows: list[_Row], turns: Turns
) -> Generator[Deferred[Any], Any, list[_Row]]:
    """Return a Deferred of the same messages with the sizes of their canonical form."""
    measured = []
    for row in rows:
        size = yield _measure(mailbox, row.number, row.size)
        measured.append(row._replace(size=size))
        if turns.over(size):
            yield turns.pause()
    return measured


@inlineCallbacks
def _measure(mailbox: Any, index: int, stated: int) -> Generator[Deferred[Any], Any, int]:
    try:
        file = yield maybeDeferred(mailbox.getMessage, index)
        measured = CanonicalSize()
        try:
            while block := file.read(BLOCK):
                measured.feed(_octets(block))
        finally:
            _close(file)
    except Exception:
        # Whoever asks for it will hear why; it must not stand in the way of the others.
        return stated
    measured.finish()
    return measured.octets


def _close(file: Any) -> None:
    close = getattr(file, "close", None)
    if close is not None:
        close()


def _octets(block: bytes | str) -> bytes:
    # `MaildirMailbox` opens its files as text.
    return block if isinstance(block, bytes) else block.encode("utf-8", "surrogateescape")


@implementer(IMaildrop)
class ForeignMaildrop:
    """A maildrop on a foreign mailbox. Nothing of the mailbox changes before `commit`."""

    mailbox = ""
    """Whose it is, as far as anybody has said so: the interface does not tell."""

    def __init__(
        self, mailbox: Any, rows: list[_Row], release: Callable[[], None], turns: Turns
    ) -> None:
        self._mailbox = mailbox
        self._turns = turns
        self._numbers: list[int | None] = [row.number for row in rows]
        """What the mailbox calls each message of the snapshot, None where it has none any more."""
        self._renumbered = False
        self._release: Callable[[], None] | None = release
        self.snapshot = Snapshot([row.size for row in rows], [row.uidl for row in rows])

    @inlineCallbacks
    def open_message(self, index: int) -> Generator[Deferred[Any], Any, IMessageReader]:
        """See `IMaildrop`. ValueError and IndexError mean that the message is gone."""
        try:
            number = yield self._number(index)
            file = yield maybeDeferred(self._mailbox.getMessage, number)
        except (ValueError, IndexError):
            raise MessageGone(f"the mailbox has no message {index}") from None
        except Exception as error:
            raise StoreError(f"the mailbox cannot give message {index}: {error!r}") from error
        return ForeignReader(file, self.snapshot.sizes[index])

    def attributes(self, index: int) -> MessageAttributes:  # noqa: ARG002
        """See `IMaildrop`: the foreign interface knows of none."""
        return MessageAttributes()

    @inlineCallbacks
    def commit(self, deleted: Sequence[int]) -> Generator[Deferred[Any], Any, list[int]]:
        """See `IMaildrop`."""
        kept: list[int] = []
        for index in deleted:
            try:
                number = yield self._number(index)
                yield maybeDeferred(self._mailbox.deleteMessage, number)
            except (ValueError, IndexError):
                continue  # gone already
            except Exception:
                kept.append(index)
        self._renumbered = True
        try:
            yield maybeDeferred(self._mailbox.sync)
        except Exception:
            # What was carried out is not known, so none of it is promised.
            return list(deleted)
        return kept

    @inlineCallbacks
    def _number(self, index: int) -> Generator[Deferred[Any], Any, int]:
        """Return a Deferred of what the mailbox calls a message; ValueError if it has none."""
        if self._renumbered:
            # After a sync a mailbox may count anew; its unique-ids tell which message is which.
            stated = yield maybeDeferred(self._mailbox.listMessages)
            numbers: dict[str, list[int]] = {}
            for row in (yield _identify(self._mailbox, stated, self._turns)):
                numbers.setdefault(row.uidl, []).append(row.number)
            self._numbers = [
                numbers[uidl].pop(0) if numbers.get(uidl) else None for uidl in self.snapshot.uidls
            ]
            self._renumbered = False
        number = self._numbers[index]
        if number is None:
            raise ValueError(index)
        return number

    def release(self) -> None:
        """See `IMaildrop`: the logout of the avatar is called beside this."""
        if self._release is not None:
            release, self._release = self._release, None
            release()


@implementer(IMessageReader)
class ForeignReader:
    """Reads any file object as canonical octets, and insists on the announced size."""

    def __init__(self, file: Any, size: int) -> None:
        self._file = file
        self._left = size
        self._encoder = CRLFEncoder()
        self._at_end = False

    def read(self) -> bytes:
        """See `IMessageReader`."""
        while not self._at_end:
            try:
                block = self._file.read(BLOCK)
            except Exception as error:
                raise StoreError(f"the mailbox cannot read its message: {error!r}") from error
            self._at_end = not block
            part = self._encoder.encode(_octets(block)) if block else self._encoder.finish()
            self._left -= len(part)
            if self._left < 0:
                raise StoreError("the message is longer than announced")
            if part:
                return part
        if self._left:
            raise StoreError("the message is shorter than announced")
        return b""

    def close(self) -> None:
        """See `IMessageReader`."""
        _close(self._file)
