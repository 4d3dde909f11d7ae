"""What a dialog cannot say: how sessions end, what they hold, and what they tell."""

from __future__ import annotations

import pytest
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure

from gateway.events import (
    InternalError,
    LoginFailed,
    LoginSucceeded,
    MessageRetrieved,
    MessagesDeleted,
    SessionClosed,
    SessionOpened,
    Trouble,
    UpdateFailed,
)
from gateway.net.limits import ConnectionLimits
from tests.pop3.server import AFAR, AVATARS, Server

RFC1939 = {"maildrop": "rfc1939"}


def lose(session: object) -> None:
    session.protocol.connectionLost(Failure(ConnectionLost()))  # type: ignore[attr-defined]


@pytest.mark.parametrize("avatar", AVATARS)
def test_quit_removes_what_is_marked(avatar: str) -> None:
    server = Server(RFC1939, avatar)
    session = server.log_in()
    session.say(b"DELE 1\r\n")
    assert len(server.mailbox.messages) == 2
    assert session.say(b"QUIT\r\n").startswith(b"+OK")
    assert list(server.mailbox.messages) == ["id-1"]
    assert session.transport.disconnecting
    assert not server.realm.logged_in


@pytest.mark.parametrize("avatar", AVATARS)
def test_any_other_end_removes_nothing(avatar: str) -> None:
    server = Server(RFC1939, avatar)
    session = server.log_in()
    session.say(b"DELE 1\r\nDELE 2\r\n")
    lose(session)
    assert len(server.mailbox.messages) == 2
    assert not server.realm.logged_in
    assert server.log_in().say(b"STAT\r\n") == b"+OK 2 320\r\n"


@pytest.mark.parametrize("avatar", AVATARS)
def test_failed_update_is_said(avatar: str) -> None:
    server = Server(RFC1939, avatar)
    server.mailbox.failing.add("id-1")
    session = server.log_in()
    reply = session.say(b"DELE 1\r\nDELE 2\r\nQUIT\r\n").splitlines()[-1]
    assert reply == b"-ERR [SYS/TEMP] 1 of 2 messages could not be removed"
    assert list(server.mailbox.messages) == ["id-1"]
    [deleted] = [event for event in server.events if isinstance(event, MessagesDeleted)]
    [failed] = [event for event in server.events if isinstance(event, UpdateFailed)]
    assert (deleted.uidls, failed.uidls) == (("id-0",), ("id-1",))
    assert not server.realm.logged_in


def test_connection_lost_during_login_holds_nothing() -> None:
    server = Server(RFC1939, "plain")
    session = server.connect()
    session.protocol.dataReceived(b"USER mrose\r\nPASS wrong\r\n")
    lose(session)
    server.clock.advance(10)
    assert not server.realm.logged_in
    assert not server.mailbox.held
    assert server.log_in().say(b"STAT\r\n") == b"+OK 2 320\r\n"


def test_maildrop_in_use() -> None:
    server = Server(RFC1939)
    server.log_in()
    second = server.connect()
    reply = second.say(b"USER mrose\r\nPASS tanstaaf\r\n").splitlines()[1]
    assert reply == (
        b"-ERR [IN-USE] the maildrop is in use by another session,"
        b" since 2023-11-14 22:13:20 UTC from 192.0.2.1"
    )


@pytest.mark.parametrize("avatar", ["plain", "slow"])
def test_unreadable_message_does_not_block_the_next(avatar: str) -> None:
    server = Server(RFC1939, avatar)
    server.mailbox.failing.add("id-0")
    session = server.log_in()
    assert session.say(b"RETR 1\r\n") == (
        b"-ERR [SYS/TEMP] message 1 cannot be read at the moment\r\n"
    )
    assert session.say(b"RETR 2\r\n").startswith(b"+OK 200 octets\r\nSubject: second")
    assert [event for event in server.events if isinstance(event, Trouble)]


@pytest.mark.parametrize("avatar", ["plain", "slow"])
def test_reading_that_fails_after_the_status_line_ends_the_connection(avatar: str) -> None:
    server = Server(RFC1939, avatar)
    server.mailbox.failing.add("id-1")
    server.mailbox.good_octets = 100
    session = server.log_in()
    reply = session.say(b"RETR 2\r\n")
    assert not reply.endswith(b".\r\n")
    assert session.transport.disconnected
    assert session.say(b"DELE 2\r\nQUIT\r\n") == b""
    lose(session)
    assert not server.realm.logged_in
    assert len(server.mailbox.messages) == 2


@pytest.mark.parametrize("avatar", ["plain", "foreign"])
def test_a_client_that_does_not_read_is_waited_for(avatar: str) -> None:
    server = Server({}, avatar)
    body = b"Subject: big\r\n\r\n" + b"x" * 300_000 + b"\r\n"
    server.mailbox.messages["big"] = body
    session = server.log_in()
    said = b""
    session.protocol.pauseProducing()
    said += session.say(b"RETR 1\r\nNOOP\r\n")
    assert len(said) < 150_000
    while not said.endswith(b"nothing done\r\n"):
        before = len(said)
        session.protocol.resumeProducing()
        session.protocol.pauseProducing()
        server.settle()
        said += session.transport.take()
        assert len(said) > before
    assert said.startswith(b"+OK %d octets\r\n" % len(body) + body + b".\r\n+OK")


def test_a_client_that_stalls_is_cut_off() -> None:
    server = Server({}, "plain")
    server.mailbox.messages["big"] = b"x" * 300_000 + b"\r\n"
    session = server.log_in()
    session.protocol.pauseProducing()
    session.say(b"RETR 1\r\n")
    server.clock.advance(601)
    assert session.transport.disconnected
    lose(session)
    assert not server.realm.logged_in


@pytest.mark.parametrize("command", [b"RETR 1\r\n", b"UIDL\r\n"])
def test_a_stalled_client_gives_its_lock_back(command: bytes) -> None:
    server = Server({}, "plain")
    server.mailbox.messages["big"] = b"x" * 300_000 + b"\r\n"
    session = server.log_in()
    session.protocol.pauseProducing()
    session.say(b"DELE 1\r\n" + command)
    server.clock.advance(601)
    assert session.transport.disconnected
    lose(session)
    assert not server.mailbox.held
    assert server.log_in().say(b"STAT\r\n") == b"+OK 1 300002\r\n"


def test_a_client_that_reads_slowly_is_not_stalled() -> None:
    server = Server({}, "plain")
    server.mailbox.messages["big"] = b"x" * 300_000 + b"\r\n"
    session = server.log_in()
    session.protocol.pauseProducing()
    session.say(b"RETR 1\r\n")
    for _ in range(5):
        server.clock.advance(400)
        session.protocol.resumeProducing()
        session.protocol.pauseProducing()
    assert not session.transport.disconnected


@pytest.mark.parametrize("avatar", ["plain", "foreign"])
def test_autologout_gives_the_lock_back_and_removes_nothing(avatar: str) -> None:
    server = Server(RFC1939, avatar)
    session = server.log_in()
    session.say(b"DELE 1\r\n")
    server.clock.advance(601)
    assert session.transport.take().startswith(b"-ERR nothing heard for too long")
    assert session.transport.disconnecting
    lose(session)
    assert not server.realm.logged_in
    assert server.log_in().say(b"STAT\r\n") == b"+OK 2 320\r\n"


def test_pipelined_input_is_bounded() -> None:
    server = Server({}, "plain")
    session = server.connect()
    session.protocol.dataReceived(b"USER mrose\r\nPASS wrong\r\n")
    for _ in range(10):
        session.protocol.dataReceived(b"NOOP\r\n" * 3000)
    assert session.transport.producerState == "paused"
    server.clock.advance(3)
    assert session.transport.producerState == "producing" or session.protocol.ending


def test_what_is_told() -> None:
    server = Server(RFC1939)
    session = server.log_in()
    session.say(b"RETR 1\r\nTOP 2 0\r\nDELE 1\r\nQUIT\r\n")
    lose(session)
    kinds = [type(event) for event in server.events]
    assert kinds == [
        SessionOpened,
        LoginSucceeded,
        MessageRetrieved,
        MessagesDeleted,
        SessionClosed,
    ]
    assert "tanstaaf" not in repr(server.events)
    assert server.events[-1].reason == "quit"  # type: ignore[attr-defined]


def test_failed_login_tells_no_password() -> None:
    server = Server(RFC1939)
    session = server.connect()
    session.say(b"USER mrose\r\nPASS wr0ng-secret\r\n")
    server.clock.advance(5)
    [failed] = [event for event in server.events if isinstance(event, LoginFailed)]
    assert failed.name == "mrose"
    assert "wr0ng-secret" not in repr(server.events)


def test_too_many_connections() -> None:
    server = Server(limits=ConnectionLimits(total=10, per_address=1))
    first = server.connect(AFAR)
    second = server.connect(AFAR)
    assert second.greeting.startswith(b"-ERR [SYS/TEMP] too many connections")
    assert second.transport.disconnecting
    lose(second)
    lose(first)
    assert server.connect(AFAR).greeting.startswith(b"+OK")


def test_plaintext_from_afar_is_refused_by_default() -> None:
    server = Server()
    assert b"-ERR [SYS/PERM] a password is not accepted" in server.connect(AFAR).say(
        b"USER mrose\r\n"
    )


def test_defect_of_an_avatar_is_a_temporary_failure() -> None:
    server = Server(RFC1939)
    session = server.log_in()
    del server.mailbox.messages["id-0"]
    assert session.say(b"RETR 1\r\n").startswith(b"-ERR [SYS/TEMP] something failed here")
    assert [event for event in server.events if isinstance(event, InternalError)]
    assert session.say(b"NOOP\r\n").startswith(b"+OK")


def test_wind_down() -> None:
    server = Server(RFC1939)
    session = server.log_in()
    session.say(b"DELE 1\r\n")
    done = server.factory.wind_down()
    assert session.transport.take().startswith(b"-ERR [SYS/TEMP] the server is stopping")
    lose(session)
    assert done.called
    assert len(server.mailbox.messages) == 2
