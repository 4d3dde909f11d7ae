"""Avatars of other applications: `twisted.mail.interfaces.IMailboxPOP3` as people write it."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import IRealm, Portal
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock, deferLater
from twisted.mail.interfaces import IMailboxPOP3
from twisted.mail.maildir import MaildirMailbox, StringListMailbox
from twisted.python.failure import Failure
from zope.interface import implementer

from gateway.events import EventStream, InternalError
from gateway.pop3 import POP3Factory, POP3Policy
from tests.pop3.server import LOOPBACK, Session


@implementer(IRealm)
class Realm:
    """Gives what a function makes for an avatar id."""

    def __init__(self, make: Callable[[bytes], Any]) -> None:
        self._make = make
        self.logged_in = 0

    def requestAvatar(self, avatar_id: bytes, mind: object, *interfaces: Any) -> Any:
        assert IMailboxPOP3 in interfaces
        self.logged_in += 1
        return IMailboxPOP3, self._make(avatar_id), self._log_out

    def _log_out(self) -> None:
        self.logged_in -= 1


class Server:
    """A POP3 factory before a realm of foreign mailboxes."""

    def __init__(self, make: Callable[[bytes], Any], **policy: Any) -> None:
        self.clock = Clock()
        self.realm = Realm(make)
        self.defects: list[Any] = []
        checker = InMemoryUsernamePasswordDatabaseDontUse(anna=b"a", bert=b"b")
        self.portal = Portal(self.realm, [checker])
        self.policy = POP3Policy(**policy)
        self.factory = self.another_factory()

    def another_factory(self) -> POP3Factory:
        return POP3Factory(
            self.portal,
            policy=self.policy,
            reactor=self.clock,  # type: ignore[arg-type]
            events=EventStream(self._read),
        )

    def _read(self, event: object) -> None:
        if isinstance(event, InternalError):
            self.defects.append(event.failure)

    def settle(self) -> None:
        for _ in range(30):
            self.clock.advance(0)

    def log_in(self, login: bytes = b"USER anna\r\nPASS a\r\n") -> Session:
        session = Session(self, LOOPBACK)  # type: ignore[arg-type]
        session.said = session.say(login)  # type: ignore[attr-defined]
        return session


def said(session: Session) -> bytes:
    return session.said.splitlines()[-1]  # type: ignore[attr-defined, no-any-return]


def lose(session: Session) -> None:
    session.protocol.connectionLost(Failure(ConnectionLost()))


# Twisted's own -------------------------------------------------------------------------------


def test_string_list_mailbox() -> None:
    mailbox = StringListMailbox(
        [b"Subject: 1\n\n.dot\n..\n", b"", b"Subject: 3\r\n\r\nno end", b"Subject: 4\n\nbody\n"]
    )
    server = Server(lambda _: mailbox)
    session = server.log_in()
    assert said(session) == b"+OK maildrop has 4 messages (66 octets)"
    assert session.say(b"LIST\r\n").splitlines()[1:] == [b"1 24", b"2 0", b"3 22", b"4 20", b"."]
    uidls = session.say(b"UIDL\r\n").splitlines()[1:-1]
    assert len({line.split()[1] for line in uidls}) == 4
    assert session.say(b"RETR 1\r\n") == (
        b"+OK 24 octets\r\nSubject: 1\r\n\r\n..dot\r\n...\r\n.\r\n"
    )
    assert session.say(b"RETR 2\r\n") == b"+OK 0 octets\r\n.\r\n"
    assert session.say(b"TOP 3 0\r\n").endswith(b"Subject: 3\r\n\r\n.\r\n")
    session.say(b"DELE 1\r\nRSET\r\nDELE 2\r\nDELE 3\r\n")
    assert session.say(b"STAT\r\n") == b"+OK 2 44\r\n"
    assert session.say(b"QUIT\r\n").startswith(b"+OK")
    lose(session)
    assert [bool(text) for text in mailbox.msgs] == [True, False, False, True]
    again = server.log_in()
    assert said(again) == b"+OK maildrop has 2 messages (44 octets)"
    assert again.say(b"RETR 2\r\n").startswith(b"+OK 20 octets\r\nSubject: 4")
    again.say(b"DELE 2\r\nQUIT\r\n")
    assert [bool(text) for text in mailbox.msgs] == [True, False, False, False]
    assert not server.defects
    assert not server.realm.logged_in


def test_maildir_mailbox_for_reading(tmp_path: Path) -> None:
    folder = tmp_path / "Maildir"
    MaildirMailbox(bytes(folder))
    (folder / "new" / "1").write_bytes("Subject: Grüße\n\n.Öl\n".encode())
    (folder / "cur" / "2:2,S").write_bytes(b"Subject: latin-1\n\n\xe4\n")
    (folder / "cur" / "3:2,S").write_bytes(b"Subject: crlf\r\n\r\nbody\r\n")
    server = Server(lambda _: MaildirMailbox(bytes(folder)))
    session = server.log_in()
    reply = session.say(b"RETR 1\r\n")
    assert reply == "+OK 26 octets\r\nSubject: Grüße\r\n\r\n..Öl\r\n.\r\n".encode()
    assert session.say(b"LIST 1\r\n") == b"+OK 1 26\r\n"
    assert session.say(b"RETR 2\r\n").startswith(b"-ERR [SYS/TEMP] message 2 cannot be read")
    assert session.say(b"RETR 3\r\n").endswith(b"Subject: crlf\r\n\r\nbody\r\n.\r\n")
    assert len(session.say(b"UIDL\r\n").splitlines()) == 5
    session.say(b"QUIT\r\n")
    assert not server.defects
    assert len(list((folder / "cur").iterdir())) == 2


# Others --------------------------------------------------------------------------------------


class Odd:
    """A mailbox with every oddity that the interface allows."""

    def __init__(self, **messages: Any) -> None:
        self.files: dict[str, Any] = messages
        self.deleted: list[int] = []
        self.synced = 0

    def listMessages(self, index: int | None = None) -> Any:
        return (1 for _ in self.files)

    def getUidl(self, index: int) -> Any:
        return list(self.files)[index]

    def getMessage(self, index: int) -> Any:
        file = list(self.files.values())[index]
        if isinstance(file, Exception):
            raise file
        return file()

    def deleteMessage(self, index: int) -> Any:
        self.deleted.append(index)

    def undeleteMessages(self) -> None:
        raise AssertionError("DELE and RSET are ours")

    def sync(self) -> Any:
        self.synced += 1


class Later(Odd):
    """The same, each answer a Deferred."""

    clock: Clock

    def _later(self, result: Any) -> Any:
        return deferLater(self.clock, 0, lambda: result)

    def listMessages(self, index: int | None = None) -> Any:
        return self._later([1 for _ in self.files])

    def getUidl(self, index: int) -> Any:
        return self._later(super().getUidl(index).encode())

    def getMessage(self, index: int) -> Any:
        return deferLater(self.clock, 0, super().getMessage, index)

    def deleteMessage(self, index: int) -> Any:
        return self._later(super().deleteMessage(index))

    def sync(self) -> Any:
        return self._later(super().sync())


class OnlyRead:
    """A file object with nothing but `read`."""

    def __init__(self, *blocks: Any) -> None:
        self._blocks = list(blocks)

    def read(self, _octets: int = -1) -> Any:
        block = self._blocks.pop(0) if self._blocks else b""
        if isinstance(block, Exception):
            raise block
        return block


def serve(kind: type[Odd], **messages: Any) -> tuple[Server, Odd]:
    mailbox = kind(**messages)
    server = Server(lambda _: mailbox)
    mailbox.clock = server.clock  # type: ignore[attr-defined]
    return server, mailbox


KINDS = pytest.mark.parametrize("kind", [Odd, Later])


@KINDS
def test_any_file_object(kind: type[Odd]) -> None:
    server, _ = serve(
        kind,
        a=lambda: BytesIO(b"a\n"),
        b=lambda: StringIO("\xe4\n"),
        c=lambda: OnlyRead(b"one\r", b"\ntwo\n", b"three"),
    )
    session = server.log_in()
    assert session.say(b"LIST\r\n").splitlines()[1:] == [b"1 3", b"2 4", b"3 17", b"."]
    assert session.say(b"RETR 2\r\n") == "+OK 4 octets\r\nä\r\n.\r\n".encode()
    assert session.say(b"RETR 3\r\n") == b"+OK 17 octets\r\none\r\ntwo\r\nthree\r\n.\r\n"


@KINDS
@pytest.mark.parametrize("error", [ValueError("gone"), IndexError("gone")])
def test_a_bad_index_is_a_vanished_message(kind: type[Odd], error: Exception) -> None:
    server, mailbox = serve(kind, a=error, b=lambda: BytesIO(b"b\n"))
    session = server.log_in()
    assert session.say(b"RETR 1\r\n").startswith(b"-ERR message 1 is no longer there")
    assert session.say(b"RETR 2\r\n").startswith(b"+OK 3 octets")
    assert session.say(b"DELE 1\r\nQUIT\r\n").endswith(b"+OK goodbye\r\n")
    assert mailbox.deleted == [0]
    assert not server.defects


@KINDS
def test_an_unreadable_message_blocks_nobody(kind: type[Odd]) -> None:
    server, _ = serve(
        kind,
        a=OSError("disk"),
        b=lambda: OnlyRead(OSError("disk")),
        c=lambda: BytesIO(b"c\n"),
    )
    session = server.log_in()
    for number in (1, 2):
        reply = session.say(b"RETR %d\r\n" % number)
        assert reply == b"-ERR [SYS/TEMP] message %d cannot be read at the moment\r\n" % number
    assert session.say(b"RETR 3\r\n").startswith(b"+OK 3 octets")
    assert not server.defects


def test_a_message_that_breaks_off_ends_the_connection() -> None:
    files = [OnlyRead(b"x" * 100, b"y\n"), OnlyRead(b"x" * 100, OSError("disk"))]
    server, mailbox = serve(Odd, a=lambda: files.pop(0))
    session = server.log_in()
    assert not session.say(b"RETR 1\r\n").endswith(b".\r\n")
    assert session.transport.disconnected
    lose(session)
    assert not server.realm.logged_in
    assert not mailbox.synced


@KINDS
def test_deletions_come_before_one_sync(kind: type[Odd]) -> None:
    server, mailbox = serve(kind, a=lambda: BytesIO(b"a\n"), b=lambda: BytesIO(b"b\n"))
    session = server.log_in()
    session.say(b"DELE 2\r\nDELE 1\r\nQUIT\r\n")
    assert (mailbox.deleted, mailbox.synced) == ([0, 1], 1)


def test_unique_ids_are_made_what_the_rfc_allows() -> None:
    names = ["ok", "with blank", "\xe4", "x" * 71, ""]
    server, _ = serve(Odd, **{name: lambda: BytesIO(b"a\n") for name in names})
    session = server.log_in()
    uidls = [line.split()[1] for line in session.say(b"UIDL\r\n").splitlines()[1:-1]]
    assert uidls[0] == b"ok"
    assert len(set(uidls)) == len(names)
    assert all(0 < len(uidl) <= 70 and uidl.isascii() for uidl in uidls)
    assert server.log_in(b"USER bert\r\nPASS b\r\n") is not None


def test_a_mailbox_that_cannot_be_listed_is_a_temporary_failure() -> None:
    server = Server(lambda _: Broken())
    assert said(server.log_in()).startswith(b"-ERR [SYS/TEMP]")
    assert [failure.type for failure in server.defects] == [OSError]
    assert not server.realm.logged_in
    assert said(server.log_in()).startswith(b"-ERR [SYS/TEMP]")  # and not [IN-USE]


class Broken(Odd):
    def listMessages(self, index: int | None = None) -> Any:
        raise OSError("the database is away")


def test_sizes_may_be_trusted() -> None:
    server = Server(lambda _: StringListMailbox([b"a\r\n"]), trust_sizes=True)
    session = server.log_in()
    assert session.say(b"LIST 1\r\n") == b"+OK 1 3\r\n"
    lying = Server(lambda _: StringListMailbox([b"a\n"]), trust_sizes=True).log_in()
    assert lying.say(b"RETR 1\r\n").startswith(b"-ERR [SYS/TEMP]")


# One session at a time -----------------------------------------------------------------------


def fresh(_: bytes) -> StringListMailbox:
    return StringListMailbox([b"a\r\n"])


def test_a_second_session_waits_and_then_hears_in_use() -> None:
    server = Server(fresh)
    server.log_in()
    second = server.log_in()
    assert said(second) == b"+OK now send PASS"
    server.clock.advance(9)
    assert second.transport.take() == b""
    server.clock.advance(2)
    assert b"-ERR [IN-USE] the maildrop is in use by another session, since" in (
        reply := second.transport.take()
    )
    assert reply.endswith(b"from 127.0.0.1\r\n")
    assert server.realm.logged_in == 1


@pytest.mark.parametrize("end", [b"QUIT\r\n", b""])
def test_a_second_session_goes_on_when_the_first_has_ended(end: bytes) -> None:
    server = Server(fresh)
    first, second = server.log_in(), server.log_in()
    if end:
        first.say(end)
    else:
        lose(first)
    server.settle()
    assert second.transport.take().startswith(b"+OK maildrop has 1")


def test_whoever_goes_away_while_waiting_holds_nothing() -> None:
    server = Server(fresh)
    first, second = server.log_in(), server.log_in()
    lose(second)
    lose(first)
    server.clock.advance(11)
    assert not server.realm.logged_in
    assert said(server.log_in()).startswith(b"+OK maildrop")


def test_other_users_do_not_wait() -> None:
    server = Server(fresh)
    server.log_in()
    assert said(server.log_in(b"USER bert\r\nPASS b\r\n")).startswith(b"+OK maildrop")


def test_one_avatar_of_two_users_is_held_once() -> None:
    shared = StringListMailbox([b"a\r\n"])
    server = Server(lambda _: shared)
    server.log_in()
    assert said(server.log_in(b"USER bert\r\nPASS b\r\n")) == b"+OK now send PASS"


def test_listeners_of_one_portal_share_the_locks() -> None:
    server = Server(fresh)
    server.log_in()
    server.factory = server.another_factory()
    assert said(server.log_in()) == b"+OK now send PASS"
