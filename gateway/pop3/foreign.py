"""Adapts a `twisted.mail.interfaces.IMailboxPOP3` to an `IMaildrop`.

Its methods may answer at once or with a Deferred; its messages are any file objects, with whatever
line ends. It has no state that is visible before the UPDATE state: DELE and RSET are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO

from twisted.internet.defer import Deferred, inlineCallbacks, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.mail.interfaces import IMailboxPOP3
from zope.interface import implementer

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

BLOCK = 65_536
BETWEEN_PAUSES = 1_048_576
"""Octets that are measured before other connections get their turn."""


@inlineCallbacks
def open_foreign(
    mailbox: Any, *, trust_sizes: bool, clock: IReactorTime
) -> Any:  # Deferred[IMaildrop]
    """Take the snapshot of a foreign mailbox.

    Unless `trust_sizes`, each message is read once to measure its canonical form: the interface
    leaves open whether the size it states counts CRLF, and the one we announce must be exact.

    @return: a Deferred of an `IMaildrop`; fails with whatever the mailbox raises.
    """
    stated = yield maybeDeferred(mailbox.listMessages)
    uidls: list[str] = []
    sizes: list[int] = []
    unpaused = 0
    for index, size in enumerate(stated):
        uidl = yield maybeDeferred(mailbox.getUidl, index)
        uidls.append(uidl.decode("ascii") if isinstance(uidl, bytes) else str(uidl))
        if not trust_sizes:
            size = yield _measure(mailbox, index)
            unpaused += size
            if unpaused > BETWEEN_PAUSES:
                unpaused = 0
                yield deferLater(clock, 0)
        sizes.append(size)
    return ForeignMaildrop(mailbox, Snapshot(sizes, uidls))


@inlineCallbacks
def _measure(mailbox: Any, index: int) -> Any:  # Deferred[int]
    file = yield maybeDeferred(mailbox.getMessage, index)
    measured = CanonicalSize()
    try:
        while block := file.read(BLOCK):
            measured.feed(_octets(block))
    finally:
        file.close()
    measured.finish()
    return measured.octets


def _octets(block: bytes | str) -> bytes:
    # `MaildirMailbox` opens its files as text.
    return block if isinstance(block, bytes) else block.encode("utf-8", "surrogateescape")


@implementer(IMaildrop)
class ForeignMaildrop:
    """A maildrop on a foreign mailbox. Nothing of the mailbox changes before `commit`."""

    mailbox = ""  # the interface does not tell whose it is

    def __init__(self, mailbox: Any, snapshot: Snapshot) -> None:
        self._mailbox = mailbox
        self.snapshot = snapshot

    def open_message(self, index: int) -> Deferred[IMessageReader]:
        """See `IMaildrop`. ValueError and IndexError mean that the message is gone."""
        opening = maybeDeferred(self._mailbox.getMessage, index)
        opening.addErrback(_translate, index)
        return opening.addCallback(ForeignReader, self.snapshot.sizes[index])

    def attributes(self, index: int) -> MessageAttributes:  # noqa: ARG002
        """See `IMaildrop`: the foreign interface knows of none."""
        return MessageAttributes()

    @inlineCallbacks
    def commit(self, deleted: Sequence[int]) -> Any:  # Deferred[list[int]]
        """See `IMaildrop`."""
        kept: list[int] = []
        for index in deleted:
            try:
                yield maybeDeferred(self._mailbox.deleteMessage, index)
            except (ValueError, IndexError):
                continue  # gone already
            except Exception:
                kept.append(index)
        try:
            yield maybeDeferred(self._mailbox.sync)
        except Exception:
            # What was carried out is not known, so none of it is promised.
            return list(deleted)
        return kept

    def release(self) -> None:
        """See `IMaildrop`: the logout of the avatar is called beside this."""


def _translate(failure: Any, index: int) -> None:
    if failure.check(ValueError, IndexError):
        raise MessageGone(f"the mailbox has no message {index}")
    raise StoreError(f"the mailbox cannot give message {index}: {failure.value!r}")


@implementer(IMessageReader)
class ForeignReader:
    """Reads any file object as canonical octets, and insists on the announced size."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._left = size
        self._encoder = CRLFEncoder()
        self._at_end = False

    def read(self) -> bytes:
        """See `IMessageReader`."""
        while not self._at_end:
            block = self._file.read(BLOCK)
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
        self._file.close()
