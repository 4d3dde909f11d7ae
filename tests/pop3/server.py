"""A POP3 server in memory: the real factory and protocol, a portal of Twisted's own parts."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import IRealm, Portal
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.mail.interfaces import IMailboxPOP3
from twisted.mail.pop3 import Mailbox
from zope.interface import alsoProvides, implementer

from gateway.events import Event, EventStream
from gateway.pop3 import POP3Factory, POP3Policy
from gateway.store.interfaces import (
    IMaildrop,
    IMaildropPolicy,
    MaildropInUse,
    MaildropPolicy,
)
from tests.dialogs.player import DialogTransport
from tests.pop3.maildrops import MESSAGES, SMTPUTF8, MemoryMailbox, MemoryMaildrop

LOOPBACK = IPv4Address("TCP", "127.0.0.1", 50000)
AFAR = IPv4Address("TCP", "192.0.2.7", 50000)
AVATARS = ("plain", "slow", "foreign")


@implementer(IRealm)
class OneMailboxRealm:
    """Gives everybody the same mailbox, as the kind of avatar that a test asks for."""

    def __init__(self, mailbox: MemoryMailbox, kind: str, clock: Clock) -> None:
        self.mailbox = mailbox
        self.logged_in = 0
        self._kind = kind
        self._clock = clock

    def requestAvatar(self, avatar_id: bytes, mind: Any, *interfaces: Any) -> Any:
        if self.mailbox.held:
            raise MaildropInUse("mrose@example.com", "192.0.2.1", 1_700_000_000.0)
        self.logged_in += 1
        if self._kind == "foreign":
            assert IMailboxPOP3 in interfaces
            return IMailboxPOP3, ForeignMailbox(self.mailbox), self._log_out
        clock = self._clock if self._kind == "slow" else None
        return IMaildrop, MemoryMaildrop(self.mailbox, clock), self._log_out

    def _log_out(self) -> None:
        self.logged_in -= 1


class ForeignMailbox(Mailbox):
    """An `IMailboxPOP3` as an application might write it, with LF line ends."""

    def __init__(self, mailbox: MemoryMailbox) -> None:
        self._mailbox = mailbox
        self._uidls = list(mailbox.messages)
        self._marked: list[str] = []
        if mailbox.policy is not None:
            self.policy = mailbox.policy
            alsoProvides(self, IMaildropPolicy)

    def listMessages(self, i: int | None = None) -> Any:
        sizes = [len(self._stored(uidl)) for uidl in self._uidls]
        return sizes if i is None else sizes[i]

    def _stored(self, uidl: str) -> bytes:
        return self._mailbox.messages[uidl].replace(b"\r\n", b"\n")

    def getMessage(self, index: int) -> BytesIO:
        if self._uidls[index] in self._mailbox.gone:
            raise ValueError(index)
        return BytesIO(self._stored(self._uidls[index]))

    def getUidl(self, index: int) -> bytes:
        return self._uidls[index].encode()

    def deleteMessage(self, index: int) -> None:
        if self._uidls[index] in self._mailbox.failing:
            raise OSError("the disk is on fire")
        self._marked.append(self._uidls[index])

    def sync(self) -> None:
        for uidl in self._marked:
            del self._mailbox.messages[uidl]
        self._marked.clear()
        self._uidls = list(self._mailbox.messages)


def policy_of(option: str) -> MaildropPolicy:
    """Read for instance "delay=60 expire=30 hard"."""
    words = dict(word.partition("=")[::2] for word in option.split())
    return MaildropPolicy(
        login_delay_seconds=int(words.get("delay", 0)),
        login_delay_hard="hard" in words,
        expire_days=int(words["expire"]) if "expire" in words else None,
    )


class Server:
    """One factory with its clock, its mailbox, and the events it told."""

    def __init__(
        self, options: dict[str, str] | None = None, avatar: str = "plain", **factory: Any
    ) -> None:
        options = options or {}
        self.clock = Clock()
        self.events: list[Event] = []
        maildrop = options.get("maildrop", "empty")
        self.mailbox = MemoryMailbox(MESSAGES[maildrop], SMTPUTF8.get(maildrop, ()))
        if "user-policy" in options:
            self.mailbox.policy = policy_of(options["user-policy"])
            factory["strictest_policy"] = lambda: policy_of(options["strictest-policy"])
        self.mailbox.gone = {f"id-{at}" for at in options.get("gone", "").split()}
        self.mailbox.held = "in-use" in options
        self.realm = OneMailboxRealm(self.mailbox, avatar, self.clock)
        checker = InMemoryUsernamePasswordDatabaseDontUse(
            mrose=options.get("secret", "tanstaaf").encode()
        )
        self.slow = avatar == "slow"
        policy = POP3Policy(
            announce=options.get("announce", "").split(),
            plaintext=options.get("plaintext", "loopback"),  # type: ignore[arg-type]
            errors=int(options.get("errors", 20)),
            maildrop=policy_of(options.get("policy", "")),
            language=options.get("language", "en"),
            extensions=options.get("extensions", "").split(),
        )
        self.factory = POP3Factory(
            Portal(self.realm, [checker]),
            policy=policy,
            events=EventStream(self.events.append),
            tls=object() if "tls" in options else None,  # type: ignore[arg-type]
            reactor=self.clock,  # type: ignore[arg-type]
            hostname="mail.example.com",
            **factory,
        )
        if "timestamp" in options:
            stamp = options["timestamp"].encode()
            self.factory.new_timestamp = lambda: stamp  # type: ignore[method-assign]

    def settle(self) -> None:
        """Let what slow avatars have begun come to its end."""
        for _ in range(30 if self.slow else 1):
            self.clock.advance(1 if self.slow else 0)

    def connect(self, peer: Any = LOOPBACK) -> Session:
        """Begin a session."""
        return Session(self, peer)

    def log_in(self) -> Session:
        """Begin a session that is logged in."""
        session = self.connect()
        session.say(b"USER mrose\r\nPASS tanstaaf\r\n")
        return session


class Session:
    """One connection, driven by hand."""

    def __init__(self, server: Server, peer: Any) -> None:
        self.transport = DialogTransport(peerAddress=peer)
        self.protocol = server.factory.buildProtocol(peer)
        self._settle: Callable[[], None] = server.settle
        self.protocol.makeConnection(self.transport)
        self.greeting = self.transport.take()

    def say(self, octets: bytes) -> bytes:
        """Send octets; return what the server says to them."""
        self.protocol.dataReceived(octets)
        self._settle()
        return self.transport.take()
