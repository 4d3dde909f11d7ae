"""The log: which events have a line, and that nobody can forge one."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.logger import Logger, formatEvent
from twisted.python.failure import Failure

from gateway import events
from gateway.client import Client, TLSParameters
from gateway.log import LogWriter


class Log:
    """A log kept in memory."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self._writer = LogWriter(Logger("pop3gw", observer=self.entries.append))

    def lines(self, *told: events.Event) -> list[str]:
        for event in told:
            self._writer(event)
        return [formatEvent(entry) for entry in self.entries]


@pytest.fixture
def client() -> Client:
    return Client("pop3s", "192.0.2.7", 4711, id="a1b2c3")


def test_listeners_and_ready_have_the_documented_form() -> None:
    assert Log().lines(events.ListenerBound("pop3", "[::1]:110"), events.GatewayReady()) == [
        "listening pop3 [::1]:110",
        "pop3gw is ready",
    ]


def test_a_mere_connection_leaves_no_line(client: Client) -> None:
    client.tls = TLSParameters("TLSv1.3", "x")
    assert (
        Log().lines(
            events.SessionOpened(client),
            events.TLSStarted(client),
            events.SessionClosed(client, "connection lost", 1.0),
        )
        == []
    )


def test_a_session_has_a_line_when_it_begins_and_one_when_it_ends(client: Client) -> None:
    client.user = "anna@example.org"
    client.tls = TLSParameters("TLSv1.3", "x")
    retrieved = [events.MessageRetrieved(client, "anna@example.org", str(n), 100) for n in (1, 2)]
    assert Log().lines(
        events.LoginSucceeded(client, "anna@example.org", "PLAIN"),
        *retrieved,
        events.MessagesDeleted(client, "anna@example.org", ("1",)),
        events.SessionClosed(client, "quit", 2.25),
    ) == [
        'login pop3s peer=192.0.2.7 session=a1b2c3 tls=TLSv1.3 mechanism="PLAIN"'
        ' user="anna@example.org"',
        'closed pop3s peer=192.0.2.7 session=a1b2c3 user="anna@example.org" retrieved=2 octets=200'
        ' deleted=1 seconds=2.2 reason="quit"',
    ]


def test_a_failed_login_can_be_read_by_fail2ban_and_not_be_forged(client: Client) -> None:
    name = 'x" peer=10.0.0.1\nlogin failed pop3 peer=10.0.0.1 {line}'
    (line,) = Log().lines(events.LoginFailed(client, name, "PASS", "wrong password"))
    assert line.startswith(
        'login failed pop3s peer=192.0.2.7 session=a1b2c3 mechanism="PASS" user="'
    )
    assert "\n" not in line
    assert 'user="x\\" peer=10.0.0.1?login' in line


def test_a_stored_message_says_whence_and_whither(client: Client) -> None:
    recipients = tuple(f"u{number}@example.org" for number in range(12))
    (line,) = Log().lines(events.MessageStored(client, "id7", "", recipients, (), 1234))
    assert line.startswith('stored pop3s peer=192.0.2.7 session=a1b2c3 id=id7 octets=1234 from=""')
    assert line.endswith('"u9@example.org" and 2 more')


def test_a_defect_is_logged_with_its_traceback(client: Client) -> None:
    log = Log()
    try:
        raise RuntimeError("here")
    except RuntimeError:
        failure = Failure()
    (line,) = log.lines(events.InternalError("handle_line", failure, client))
    assert line == "internal error in handle_line pop3s peer=192.0.2.7 session=a1b2c3"
    assert log.entries[0]["log_failure"] is failure


def test_nothing_is_kept_of_sessions_that_have_ended(client: Client) -> None:
    writer = LogWriter(Logger("pop3gw", observer=lambda _: None))
    writer(events.MessageRetrieved(client, "a@b", "1", 1))
    writer(events.SessionClosed(client, "quit", 1.0))
    assert not writer._work
