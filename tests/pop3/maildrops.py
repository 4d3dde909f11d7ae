"""Maildrops in memory, for tests of the protocol alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock, deferLater
from zope.interface import directlyProvides, implementer

from gateway.store.interfaces import (
    IMaildrop,
    IMaildropPolicy,
    IMessageReader,
    MaildropPolicy,
    MessageAttributes,
    MessageGone,
    Snapshot,
    StoreError,
)

SMTPUTF8 = {"utf8": (1, 2)}
"""Which messages of a maildrop came by SMTPUTF8."""
MESSAGES: dict[str, list[bytes]] = {
    "empty": [],
    "rfc1939": [
        b"Subject: first\r\n\r\n" + b"a" * 100 + b"\r\n",
        b"Subject: second\r\n\r\n" + b"b" * 179 + b"\r\n",
    ],
    "dots": [
        b".first\r\nSubject: dots\r\n\r\n.\r\n..\r\ntext .\r\n\r\n.end\r\n",
        b"",
        b"no header and no end\r\n",
    ],
    "utf8": [
        b"Subject: raw \xc3\x84 and \xff, not by SMTPUTF8\r\n\r\nbody\r\n",
        "From: Jøran <jøran@example.com>\r\nSubject: Grüße\r\n\r\nÖl\r\n".encode(),
        b"Subject: " + b"\xc3\x84" * 70_000 + b"\r\n\r\nendless\r\n",
        b"Subject: plain\r\n\r\nbody\r\n",
    ],
    "five": [b"Subject: %d\r\n\r\n" % number for number in range(1, 6)],
}


class MemoryMailbox:
    """Messages that outlive a session, and the trouble they are to make."""

    def __init__(self, messages: Sequence[bytes], smtputf8: Sequence[int] = ()) -> None:
        self.smtputf8 = smtputf8
        self.policy: MaildropPolicy | None = None
        self.gone: set[str] = set()
        """UIDLs of messages that another program has removed."""
        self.messages = {f"id-{at}": octets for at, octets in enumerate(messages)}
        self.held = False
        self.failing: set[str] = set()
        """UIDLs of messages that cannot be read (after `good_octets`) or removed."""
        self.good_octets = 0


@implementer(IMaildrop)
class MemoryMaildrop:
    """A maildrop whose answers are at once; with a clock, each takes a second."""

    mailbox = "mrose@example.com"

    def __init__(self, mailbox: MemoryMailbox, clock: Clock | None = None) -> None:
        assert not mailbox.held
        mailbox.held = True
        self._mailbox = mailbox
        self._clock = clock
        self._uidls = list(mailbox.messages)
        sizes = [len(m) for m in mailbox.messages.values()]
        self.snapshot = Snapshot(sizes, self._uidls, mailbox.smtputf8)
        if mailbox.policy is not None:
            self.policy = mailbox.policy
            directlyProvides(self, IMaildropPolicy)

    def _later(self, result: Any) -> Any:
        return result if self._clock is None else deferLater(self._clock, 1, lambda: result)

    def open_message(self, index: int) -> Any:
        if self._uidls[index] in self._mailbox.gone:
            raise MessageGone("gone")
        return self._later(MemoryReader(self._mailbox, self._uidls[index], self._clock))

    def attributes(self, index: int) -> MessageAttributes:
        return MessageAttributes()

    def commit(self, deleted: Sequence[int]) -> Deferred[list[int]]:
        kept = [index for index in deleted if self._uidls[index] in self._mailbox.failing]
        for index in deleted:
            if index not in kept:
                del self._mailbox.messages[self._uidls[index]]
        done = self._later(kept)
        return done if isinstance(done, Deferred) else succeed(done)

    def release(self) -> None:
        self._mailbox.held = False


@implementer(IMessageReader)
class MemoryReader:
    """Gives a message in blocks of 100 octets, or ten blocks if it is long."""

    def __init__(self, mailbox: MemoryMailbox, uidl: str, clock: Clock | None) -> None:
        self._octets = mailbox.messages[uidl]
        self._at = 0
        self._block = max(100, len(self._octets) // 10)
        self._clock = clock
        self._good = mailbox.good_octets if uidl in mailbox.failing else len(self._octets)
        self.closed = False

    def read(self) -> Any:
        assert not self.closed
        if self._at >= self._good and self._at < len(self._octets):
            raise StoreError("the disk is on fire")
        block = self._octets[self._at : self._at + self._block]
        self._at += len(block)
        return block if self._clock is None else deferLater(self._clock, 1, lambda: block)

    def close(self) -> None:
        self.closed = True
