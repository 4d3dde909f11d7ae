"""What a dialog cannot say of SLEE, WAKE and DELI: what they hold, remove and tell."""

from __future__ import annotations

import pytest

from gateway.events import MessagesDeleted, UpdateFailed
from tests.pop3.server import AVATARS, Server

ON = {"maildrop": "five", "extensions": "SLEEPING DELI LAST"}


@pytest.mark.parametrize("avatar", AVATARS)
def test_sleep_frees_the_maildrop_and_waking_shows_what_is_new(avatar: str) -> None:
    server = Server(ON, avatar)
    session = server.log_in()
    assert session.say(b"DELE 1\r\nSLEE\r\n").endswith(
        b"+OK asleep, WAKE opens the maildrop again\r\n"
    )
    assert not server.mailbox.held
    assert not server.realm.logged_in
    assert list(server.mailbox.messages) == ["id-1", "id-2", "id-3", "id-4"]
    server.mailbox.messages["new"] = b"new\r\n"
    assert session.say(b"WAKE\r\n") == b"+OK maildrop has 5 messages (61 octets)\r\n"
    assert session.say(b"UIDL 5\r\n") == b"+OK 5 new\r\n"
    assert server.realm.logged_in == 1


def test_waking_up_while_another_session_has_the_maildrop() -> None:
    server = Server(ON)
    session = server.log_in()
    session.say(b"SLEE\r\n")
    server.mailbox.held = True
    assert session.say(b"WAKE\r\n").startswith(b"-ERR [IN-USE]")
    assert session.say(b"STAT\r\n") == b"-ERR asleep: send WAKE first\r\n"
    server.mailbox.held = False
    assert session.say(b"WAKE\r\n").startswith(b"+OK")


def test_who_may_no_longer_log_in_may_not_wake_up() -> None:
    server = Server(ON)
    session = server.log_in()
    session.say(b"SLEE\r\n")
    (checker,) = set(server.factory.portal.checkers.values())
    checker.users.clear()
    session.say(b"WAKE\r\n")
    server.clock.advance(3)
    assert session.transport.take().startswith(b"-ERR [AUTH]")


def test_a_sleeper_that_is_silent_is_logged_out() -> None:
    server = Server(ON)
    session = server.log_in()
    session.say(b"SLEE\r\n")
    server.clock.advance(599)
    assert session.say(b"NOOP\r\n").startswith(b"+OK")
    server.clock.advance(601)
    assert session.transport.disconnecting


def test_sleep_that_cannot_remove_stays_awake() -> None:
    server = Server(ON)
    server.mailbox.failing.add("id-1")
    session = server.log_in()
    reply = session.say(b"DELE 1\r\nDELE 2\r\nSLEE\r\n").splitlines()[-1]
    assert reply == b"-ERR [SYS/TEMP] 1 of 2 messages could not be removed"
    assert session.say(b"RSET\r\n").startswith(b"+OK maildrop has 4 messages")
    assert session.say(b"RETR 1\r\n") == b"-ERR message 1 is deleted\r\n"
    assert server.mailbox.held


@pytest.mark.parametrize("avatar", AVATARS)
def test_deli_outlives_a_session_that_breaks(avatar: str) -> None:
    server = Server(ON, avatar)
    session = server.log_in()
    assert session.say(b"DELI 3\r\n") == b"+OK message 3 is deleted\r\n"
    assert "id-2" not in server.mailbox.messages
    [deleted] = [event for event in server.events if isinstance(event, MessagesDeleted)]
    assert deleted.uidls == ("id-2",)
    assert session.say(b"RETR 4\r\n").startswith(b"+OK 14 octets\r\nSubject: 4")
    session.say(b"DELE 5\r\nDELI 1\r\nQUIT\r\n")
    assert list(server.mailbox.messages) == ["id-1", "id-3"]


def test_deli_that_fails_is_said() -> None:
    server = Server(ON)
    server.mailbox.failing.add("id-0")
    session = server.log_in()
    assert session.say(b"DELI 1\r\n").startswith(b"-ERR [SYS/TEMP] 1 of 1")
    assert session.say(b"LIST 1\r\n") == b"+OK 1 14\r\n"
    assert [event for event in server.events if isinstance(event, UpdateFailed)]


def test_no_proof_is_kept_where_nobody_can_wake_up() -> None:
    server = Server({"maildrop": "five"})
    session = server.log_in()
    assert session.protocol._state._proof is None
    assert "tanstaaf" not in repr(Server(ON).log_in().protocol._state._proof)
