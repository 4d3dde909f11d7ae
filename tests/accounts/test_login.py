"""One login: what it gives, what is told of it, and when it is answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.credentials import Anonymous, IUsernamePassword, UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from zope.interface import Interface, implementer

from gateway.accounts.directory import EmbeddedDirectory
from gateway.accounts.interfaces import DirectoryUnavailable, IMailUser
from gateway.accounts.login import (
    Authenticator,
    ClientGone,
    TemporaryAuthenticationFailure,
    printable_name,
)
from gateway.client import Client
from gateway.events import Event, EventStream, InternalError, LoginFailed, LoginSucceeded
from gateway.store.interfaces import IMaildrop, MaildropInUse, StoreError
from tests.accounts.parts import (
    EmptyStore,
    Threads,
    build_portal,
    make_database,
    make_hashing,
    outcome,
    pending,
)


class Office:
    """The whole way in, with real parts; only the store has no mail."""

    def __init__(self, folder: Path, threads: Threads | None = None, **hashing: Any) -> None:
        self.clock = Clock()
        self.threads = threads or Threads()
        self.store = EmptyStore()
        self.events: list[Event] = []
        self.database = make_database(folder)
        stream = EventStream(self.events.append)
        self.hashing = make_hashing(self.threads, self.clock, **hashing)
        portal = build_portal(
            EmbeddedDirectory(self.database), self.store, self.hashing, events=stream
        )
        self.authenticator = authenticator_of(portal, stream, self.clock)
        self.client = Client("pop3", "192.0.2.1")

    def begin(
        self, name: bytes, password: bytes, interface: Any = IMaildrop, mechanism: str = "PASS"
    ) -> Any:
        return self.authenticator.login(
            UsernamePassword(name, password), mechanism, self.client, interface
        )


def authenticator_of(portal: Portal, stream: EventStream, clock: Clock) -> Authenticator:
    return Authenticator(portal, stream, reactor=clock, failure_seconds=2)  # type: ignore[arg-type]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_success(office: Office) -> None:
    interface, maildrop, logout = outcome(office.begin(b"Anna", b"anna's"))
    assert interface is IMaildrop
    assert maildrop.mailbox == "anna@example.org"
    assert office.client.user == "anna@example.org"
    assert office.events == [LoginSucceeded(office.client, "anna@example.org", "PASS")]
    assert office.store.held == {"anna@example.org"}
    logout()
    assert office.store.held == set()


def test_success_without_a_maildrop(office: Office) -> None:
    interface, user, _ = outcome(office.begin(b"anna", b"anna's", IMailUser, "PLAIN"))
    assert (interface, user.address) == (IMailUser, "anna@example.org")
    assert office.events == [LoginSucceeded(office.client, "anna@example.org", "PLAIN")]


@pytest.mark.parametrize("name", [b"anna", b"nobody", b"carl", b"all"])
def test_wrong_login_looks_and_lasts_the_same(office: Office, name: bytes) -> None:
    login = office.begin(name, b"wrong")
    assert office.events == [
        LoginFailed(office.client, name.decode(), "PASS", "wrong user name or password")
    ]
    office.clock.advance(1.9)
    assert pending(login)
    office.clock.advance(0.1)
    failed = outcome(login)
    assert type(failed) is UnauthorizedLogin
    assert failed.args == ()
    assert office.client.user is None
    assert office.store.held == set()


def test_time_that_the_check_took_counts(tmp_path: Path) -> None:
    office = Office(tmp_path, Threads(at_once=False))
    login = office.begin(b"anna", b"wrong")
    office.clock.advance(1.5)
    office.threads.finish_one()
    assert pending(login)
    office.clock.advance(0.5)
    assert isinstance(outcome(login), UnauthorizedLogin)


def test_late_check_is_answered_at_once(tmp_path: Path) -> None:
    office = Office(tmp_path, Threads(at_once=False))
    login = office.begin(b"anna", b"wrong")
    office.clock.advance(5)
    office.threads.finish_one()
    office.clock.advance(0)
    assert isinstance(outcome(login), UnauthorizedLogin)


def test_maildrop_in_use(office: Office) -> None:
    outcome(office.begin(b"anna", b"anna's"))
    assert isinstance(outcome(office.begin(b"anna", b"anna's")), MaildropInUse)
    assert office.events[1:] == [
        LoginFailed(office.client, "anna", "PASS", "the maildrop is in use")
    ]


def temporary(login: Any) -> str:
    failed = outcome(login)
    assert isinstance(failed, TemporaryAuthenticationFailure)
    return str(failed)


def test_store_in_trouble(office: Office) -> None:
    office.store.trouble = StoreError("the disk is gone")
    assert "the disk is gone" in temporary(office.begin(b"anna", b"anna's"))
    [event] = office.events
    assert isinstance(event, LoginFailed)
    assert "the disk is gone" in event.reason
    assert office.client.user is None


def test_accounts_in_trouble(office: Office) -> None:
    office.database.close()
    office.database.path.write_bytes(b"no database" * 1000)
    login = office.begin(b"anna", b"anna's")
    assert "not a database" in temporary(login)
    assert isinstance(office.events[0], LoginFailed)


def test_too_many_logins(tmp_path: Path) -> None:
    office = Office(tmp_path, Threads(at_once=False), parallel=1, queue=1)
    first, second = (office.begin(b"anna", b"anna's", IMailUser) for _ in range(2))
    assert "too many" in temporary(office.begin(b"anna", b"anna's", IMailUser))
    for login in (first, second):
        office.threads.finish_one()
        assert outcome(login)[0] is IMailUser


def test_unreadable_hash_is_no_wrong_password(office: Office) -> None:
    office.database.set_password("anna@example.org", "{NTLM}ABCDEF", secret=None)
    assert "{NTLM} is not known" in temporary(office.begin(b"anna", b"anna's"))
    [event] = office.events
    assert isinstance(event, LoginFailed)
    assert "ABCDEF" not in event.reason


class IUnknown(Interface):
    """What the realm does not have."""


def test_defect_is_told_and_temporary(office: Office) -> None:
    assert temporary(office.begin(b"anna", b"anna's", IUnknown)) == "a defect; see the log"
    internal, failed = office.events
    assert isinstance(internal, InternalError)
    assert internal.client is office.client
    assert internal.failure.check(NotImplementedError)
    assert isinstance(failed, LoginFailed)


def test_client_that_left_is_logged_out(tmp_path: Path) -> None:
    office = Office(tmp_path, Threads(at_once=False))
    login = office.begin(b"anna", b"anna's")
    office.client.connected = False
    office.threads.finish_one()
    assert isinstance(outcome(login), ClientGone)
    assert office.store.held == set()
    assert office.client.user is None
    assert office.events == []


def test_cancelled_login_is_no_defect(tmp_path: Path) -> None:
    office = Office(tmp_path, Threads(at_once=False))
    login = office.begin(b"anna", b"anna's")
    login.cancel()
    assert isinstance(outcome(login), CancelledError)
    assert office.events == []


def test_cancelled_delay_leaves_no_timer(office: Office) -> None:
    login = office.begin(b"anna", b"wrong")
    login.cancel()
    assert isinstance(outcome(login), CancelledError)
    assert office.clock.getDelayedCalls() == []


def test_credentials_that_nobody_checks(office: Office) -> None:
    login = office.authenticator.login(Anonymous(), "ANONYMOUS", office.client, IMaildrop)
    office.clock.advance(2)
    assert type(outcome(login)) is UnauthorizedLogin


def test_no_event_holds_a_password(office: Office) -> None:
    office.begin(b"anna", b"THE-PASSWORD")
    office.begin(b"nobody", b"THE-PASSWORD")
    office.database.set_password("anna@example.org", "{PLAIN}THE-PASSWORD", secret=None)
    office.begin(b"anna", b"THE-PASSWORD")
    office.begin(b"anna", b"THE-PASSWORD", IUnknown)
    assert len(office.events) == 5
    assert "THE-PASSWORD" not in repr(office.events)


class IForeign(Interface):
    """An avatar of another application."""


@implementer(IRealm)
class ForeignRealm:
    def requestAvatar(self, avatar_id: Any, mind: Any, *interfaces: Any) -> Any:
        return IForeign, object(), lambda: None


def test_foreign_portal_without_deferreds() -> None:
    events: list[Event] = []
    checker = InMemoryUsernamePasswordDatabaseDontUse(joe=b"x")
    authenticator = authenticator_of(
        Portal(ForeignRealm(), [checker]), EventStream(events.append), Clock()
    )
    client = Client("smtp", "192.0.2.1")
    login = authenticator.login(UsernamePassword(b"joe", b"x"), "PLAIN", client, IForeign)
    assert outcome(login)[0] is IForeign
    assert events == [LoginSucceeded(client, "joe", "PLAIN")]
    assert client.user == "joe"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"anna@example.org", "anna@example.org"),
        ("bücher".encode(), "bücher"),
        (b"two words\r\nand\x1b[31m lines\x00", "two?words??and?[31m?lines?"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"x" * 100, "x" * 80 + "..."),
        (b"", ""),
        ("text", "text"),
    ],
)
def test_printable_name(name: bytes | str, shown: str) -> None:
    assert printable_name(name) == shown


def test_directory_unavailable_is_not_authorisation() -> None:
    assert not issubclass(DirectoryUnavailable, UnauthorizedLogin)


def test_checkers_see_where_credentials_come_from(office: Office) -> None:
    credentials: Any = UsernamePassword(b"anna", b"anna's")
    outcome(office.authenticator.login(credentials, "PASS", office.client, IMailUser))
    assert credentials.client is office.client


def test_credentials_without_room(office: Office) -> None:
    @implementer(IUsernamePassword)
    class Slots:
        __slots__ = ("password", "username")

        def checkPassword(self, password: bytes) -> bool:
            return self.password == password  # type: ignore[attr-defined, no-any-return]

    credentials: Any = Slots()
    credentials.username, credentials.password = b"anna", b"anna's"
    login = office.authenticator.login(credentials, "PASS", office.client, IMailUser)
    assert outcome(login)[0] is IMailUser


def test_a_login_under_way_is_not_let_in_after_a_revocation(tmp_path: Path) -> None:
    office = Office(tmp_path, Threads(at_once=False))
    logins = [office.begin(b"anna", b"anna's") for _ in range(2)]
    office.authenticator.revoke("bob@example.org")
    office.threads.finish_one()
    outcome(logins[0])[2]()
    office.client.user = None
    office.authenticator.revoke("anna@example.org")
    office.threads.finish_one()
    assert isinstance(outcome(logins[1]), TemporaryAuthenticationFailure)
    assert office.store.held == set()
    assert office.client.user is None
    again = office.begin(b"anna", b"anna's")
    assert outcome(again)[0] is IMaildrop
