"""LOGIN-DELAY (RFC 2449 section 6.5): who has to wait, and for how long."""

from __future__ import annotations

from gateway.pop3.login_times import MOST_USERS, LoginTimes
from tests.pop3.server import Server, Session


def log_in(server: Server) -> tuple[Session, bytes]:
    session = server.connect()
    return session, session.say(b"USER mrose\r\nPASS tanstaaf\r\n").splitlines()[-1]


def test_a_hard_delay_refuses() -> None:
    server = Server({"policy": "delay=60 hard"})
    first, said = log_in(server)
    assert said.startswith(b"+OK maildrop")
    first.say(b"QUIT\r\n")
    server.clock.advance(20)
    second, said = log_in(server)
    assert said == b"-ERR [LOGIN-DELAY] you logged in a moment ago, try again in 41 seconds"
    assert not server.realm.logged_in
    assert not server.mailbox.held
    server.clock.advance(40)  # a refused login does not count
    assert second.say(b"AUTH PLAIN AG1yb3NlAHRhbnN0YWFm\r\n").startswith(b"+OK maildrop")


def test_a_soft_delay_is_only_announced() -> None:
    server = Server({"policy": "delay=60"})
    log_in(server)[0].say(b"QUIT\r\n")
    assert log_in(server)[1].startswith(b"+OK maildrop")


def test_the_delay_is_that_of_the_user() -> None:
    server = Server({"user-policy": "delay=5 hard", "strictest-policy": "delay=900"})
    log_in(server)[0].say(b"QUIT\r\n")
    server.clock.advance(3)
    assert log_in(server)[1].startswith(b"-ERR [LOGIN-DELAY]")
    server.clock.advance(3)
    assert log_in(server)[1].startswith(b"+OK maildrop")


def test_a_wrong_password_says_nothing_of_a_delay() -> None:
    server = Server({"policy": "delay=60 hard"})
    log_in(server)[0].say(b"QUIT\r\n")
    session = server.connect()
    session.say(b"USER mrose\r\nPASS wrong\r\n")
    server.clock.advance(3)
    assert session.transport.take().startswith(b"-ERR [AUTH]")


def test_waking_up_is_no_login() -> None:
    server = Server({"policy": "delay=60 hard", "extensions": "SLEEPING"})
    session, _ = log_in(server)
    session.say(b"SLEE\r\n")
    assert session.say(b"WAKE\r\n").startswith(b"+OK maildrop")


def test_listeners_can_count_together() -> None:
    one = Server({"policy": "delay=60 hard"})
    other = Server({"policy": "delay=60 hard"}, login_times=one.factory.login_times)
    log_in(one)
    assert log_in(other)[1].startswith(b"-ERR [LOGIN-DELAY]")


def test_the_table_is_bounded() -> None:
    times = LoginTimes(Server().clock)  # type: ignore[arg-type]
    for number in range(MOST_USERS + 1):
        times.logged_in(str(number))
    assert times.seconds_to_wait("0", 60) == 0
    assert times.seconds_to_wait("1", 60) == 60
