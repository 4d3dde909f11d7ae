"""Guessers wait and are refused; people behind the same address are not."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.task import Clock

from gateway.accounts.credentials import (
    APOPCredentials,
    BearerToken,
    CertificateCredentials,
    ScramCredentials,
)
from gateway.accounts.directory import EmbeddedDirectory
from gateway.accounts.errors import DatabaseUnavailable
from gateway.accounts.interfaces import IMailUser
from gateway.accounts.login import Authenticator, ClientGone, TemporaryAuthenticationFailure
from gateway.accounts.login_notes import LoginNotes
from gateway.accounts.logins_file import LoginsFile
from gateway.accounts.throttle import RECENTLY_SECONDS, Throttle, ThrottleRules, network_of
from gateway.client import Client
from gateway.events import Event, EventStream, LoginFailed, LoginSucceeded, Trouble
from tests.accounts.parts import (
    EmptyStore,
    Threads,
    build_portal,
    make_database,
    make_hashing,
    outcome,
    pending,
)

HERE = "192.0.2.7"
EPOCH = 1_800_000_000.0


class Office:
    """All of a gateway that a login passes."""

    def __init__(
        self, folder: Path, rules: ThrottleRules | None = None, clock: Clock | None = None
    ) -> None:
        self.clock = clock if clock is not None else Clock()
        self.threads = Threads()
        self.events: list[Event] = []
        stream = EventStream(self.events.append)
        self.rules = rules if rules is not None else ThrottleRules(4, 900, 8)
        self.database = make_database(folder)
        directory = EmbeddedDirectory(self.database)
        self.file = LoginsFile(folder / "logins.sqlite")
        self.notes = LoginNotes(
            self.file,
            self.threads,
            self.clock,
            wrong_seconds=self.rules.seconds,
            right_seconds=RECENTLY_SECONDS,
            events=stream,
            now=self.now,
        )
        stream.subscribe(self.notes)
        self.throttle = Throttle(
            self.rules, self.file, self.notes, directory.canonical_login, self.now
        )
        # Twelve bits are kept of a password, so two may look alike: with this key none here do.
        self.throttle._key = bytes(16)
        portal = build_portal(
            directory, EmptyStore(), make_hashing(self.threads, self.clock), events=stream
        )
        self.authenticator = Authenticator(
            portal,
            stream,
            reactor=self.clock,  # type: ignore[arg-type]
            failure_seconds=2,
            throttle=self.throttle,
        )

    def now(self) -> float:
        return EPOCH + float(self.clock.seconds())

    def begin(self, name: str, password: str, host: str = HERE) -> Any:
        return self.authenticator.login(
            UsernamePassword(name.encode(), password.encode()),
            "PASS",
            Client("pop3", host),
            IMailUser,
        )

    def login(self, name: str, password: str, host: str = HERE) -> tuple[str, float]:
        """Log in; return what came of it, and how long that took."""
        began = self.clock.seconds()
        login = self.begin(name, password, host)
        while pending(login):
            self.clock.advance(0.25)
        result = outcome(login)
        kind = "in" if isinstance(result, tuple) else type(result).__name__
        return kind, self.clock.seconds() - began

    def guess(self, name: str, count: int, host: str = HERE) -> list[tuple[str, float]]:
        return [self.login(name, f"guess {n}", host) for n in range(count)]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


WRONG, LATER = UnauthorizedLogin.__name__, TemporaryAuthenticationFailure.__name__


@pytest.mark.parametrize("name", ["anna", "nobody", "carl@example.org", "x@elsewhere.example"])
def test_waiting_then_refusing(office: Office, name: str) -> None:
    assert office.guess(name, 6) == [
        *((WRONG, 2), (WRONG, 2), (WRONG, 2), (WRONG, 3)),
        *((LATER, 4), (LATER, 4)),
    ]
    reasons = [event.reason for event in office.events if isinstance(event, LoginFailed)]
    assert reasons == ["wrong user name or password"] * 4 + ["too many wrong passwords"] * 2


def test_refused_even_with_the_right_password(office: Office) -> None:
    office.guess("anna", 4)
    hashed = len(office.threads.called)
    assert office.login("anna", "anna's")[0] == LATER
    assert office.threads.called[hashed:] == []
    assert office.login("anna", "anna's", "192.0.2.8") == ("in", 0)


def test_other_spellings_are_the_same_user(office: Office) -> None:
    for name in ("anna", "ANNA@example.org", "info", "Info@Example.org"):
        office.login(name, f"wrong for {name}")
    assert office.login("anna", "anna's")[0] == LATER


def test_same_wrong_password_counts_once(office: Office) -> None:
    for _ in range(20):
        assert office.login("anna", "an old one") == (WRONG, 2)
    assert office.login("anna", "anna's") == ("in", 0)


def test_it_ends_by_itself(office: Office) -> None:
    office.guess("anna", 6)
    office.clock.advance(901)
    assert office.login("anna", "anna's") == ("in", 0)


def test_success_forgives(office: Office) -> None:
    office.guess("anna", 3)
    assert office.login("anna", "anna's") == ("in", 1)
    office.clock.advance(1)
    assert office.file.wrong("anna@example.org", HERE, 0) == set()
    assert office.login("anna", "wrong") == (WRONG, 2)
    office.clock.advance(1)
    assert len(office.file.wrong("anna@example.org", HERE, 0)) == 1


def test_ten_people_work_while_an_eleventh_machine_guesses(tmp_path: Path) -> None:
    office = Office(tmp_path)
    people = [f"person{n}" for n in range(10)]
    from tests.accounts.parts import cheap_hash

    for person in people:
        office.database.add_user(f"{person}@example.org", cheap_hash(f"{person}'s"))
    for person in people:
        assert office.login(person, f"{person}'s")[0] == "in"
    for _ in range(3):
        for person in people:
            # They were let in from here today: a guess waits, and costs nobody else anything.
            assert {kind for kind, _ in office.guess(person, 6)} == {WRONG}
        for person in people:
            assert office.login(person, f"{person}'s") == ("in", 0)
    # Whoever has not logged in from here is refused, and no one but them.
    office.guess("bob", 6)
    assert office.login("bob", "tanstaaf")[0] == LATER
    for person in people:
        assert office.login(person, f"{person}'s") == ("in", 0)


def test_known_password_needs_no_look_into_the_file(office: Office) -> None:
    office.login("anna", "anna's")
    office.clock.advance(1)
    written = office.threads.called.count("write")
    office.file.wrong = None  # type: ignore[assignment, method-assign]
    for _ in range(5):
        assert office.login("anna", "anna's") == ("in", 0)
    office.clock.advance(1)
    assert office.threads.called.count("write") == written


def test_success_that_shows_no_password_is_noted_once(office: Office) -> None:
    def login() -> None:
        digest = hashlib.md5(b"<1@x>tanstaaf").hexdigest().encode()
        credentials = APOPCredentials(b"bob", b"<1@x>", digest)
        client = Client("pop3", HERE)
        outcome(office.authenticator.login(credentials, "APOP", client, IMailUser))
        office.clock.advance(1)

    login()
    written = office.threads.called.count("write")
    assert written == 1
    for _ in range(5):
        login()
    assert office.threads.called.count("write") == written


def test_another_process_knows(tmp_path: Path) -> None:
    one = Office(tmp_path)
    one.guess("anna", 6)
    outcome(one.notes.stop())
    (tmp_path / "accounts.sqlite").unlink()
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"accounts.sqlite{suffix}").unlink(missing_ok=True)
    other = Office(tmp_path, clock=one.clock)
    assert other.login("anna", "anna's")[0] == LATER
    assert [(b.user, b.network, b.passwords) for b in other.file.bans(4, 0, 0)] == [
        ("anna@example.org", HERE, 4)
    ]
    assert other.file.clear("bob@example.org") == 0
    assert other.file.clear("anna@example.org") == 1
    assert one.login("anna", "anna's") == ("in", 0)


@pytest.mark.parametrize("name", ["anna", "nobody"])
def test_many_guesses_at_once_are_many_guesses(office: Office, name: str) -> None:
    guesses = [office.begin(name, f"guess {n}") for n in range(50)]
    office.clock.pump([0.25] * 60)
    results = [type(outcome(guess)).__name__ for guess in guesses]
    assert office.throttle._trying == {}
    assert results.count(WRONG) == 4
    assert results.count(LATER) == 46


def test_many_programs_of_one_user_at_once(office: Office) -> None:
    logins = [office.begin("anna", "anna's") for _ in range(50)]
    assert {type(outcome(login)) for login in logins} == {tuple}


def test_nothing_is_left_of_attempts_that_are_over(office: Office) -> None:
    office.guess("anna", 3)
    office.login("anna", "anna's")
    office.login("bob", "tanstaaf")
    waiting = office.begin("bob", "wrong")
    waiting.cancel()
    outcome(waiting)
    assert office.throttle._trying == {}


def test_switched_off(tmp_path: Path) -> None:
    office = Office(tmp_path, ThrottleRules(passwords=0))
    assert set(office.guess("anna", 30)) == {(WRONG, 2)}


def test_client_that_left_while_it_waited(office: Office) -> None:
    office.guess("anna", 3)
    client = Client("pop3", HERE)
    login = office.authenticator.login(
        UsernamePassword(b"anna", b"anna's"), "PASS", client, IMailUser
    )
    client.connected = False
    called = len(office.threads.called)
    office.clock.advance(5)
    assert isinstance(outcome(login), ClientGone)
    assert "verify" not in office.threads.called[called:]


def test_file_in_trouble_lets_people_in(office: Office) -> None:
    office.file.close()
    path = office.database.path.with_name("logins.sqlite")
    path.write_bytes(b"no database" * 1000)
    assert office.login("anna", "anna's") == ("in", 0)
    assert isinstance(office.events[0], Trouble)
    assert "logins.sqlite" in office.events[0].what
    office.clock.advance(1)
    with pytest.raises(DatabaseUnavailable):
        office.file.digest_key()


def test_what_is_kept_of_a_wrong_password_is_not_enough_to_find_it(office: Office) -> None:
    office.guess("anna", 3)
    office.clock.advance(1)
    digests = office.file.wrong("anna@example.org", HERE, 0)
    assert len(digests) == 3
    assert all(len(digest) == 2 and digest[1] & 0x0F == 0 for digest in digests)


def test_scram_and_tokens(office: Office) -> None:
    def judge(credentials: Any) -> Any:
        return office.throttle.judge(credentials, Client("pop3", HERE))

    wrong = ScramCredentials(b"anna", "SCRAM-SHA-256", b"k", False)
    for _ in range(4):
        attempt = judge(wrong)
        attempt.failed()
        attempt.end()
    assert judge(wrong).refused
    assert judge(BearerToken(b"anna", b"t")).refused
    assert judge(CertificateCredentials(("anna@example.org",), b"")) is None


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix", "unix"),
    ],
)
def test_networks(host: str, network: str) -> None:
    assert network_of(host) == network


@pytest.mark.parametrize(
    ("count", "delay"), [(0, 0), (2, 0), (3, 1), (4, 2), (5, 4), (6, 8), (7, 15), (10_000, 15)]
)
def test_delays(count: int, delay: float) -> None:
    assert ThrottleRules().delay_after(count) == delay


class TestLastLogins:
    def note(self, office: Office, host: str, protocol: str = "pop3") -> None:
        office.notes(LoginSucceeded(Client(protocol, host), "anna@example.org", "PLAIN"))

    def test_by_protocol(self, office: Office) -> None:
        self.note(office, "192.0.2.1")
        self.note(office, "192.0.2.2")
        office.clock.advance(5)
        self.note(office, "192.0.2.3", "smtp")
        office.clock.advance(5)
        found = [(one.protocol, one.host) for one in office.file.last_logins("anna@example.org")]
        assert found == [("smtp", "192.0.2.3"), ("pop3", "192.0.2.2")]
        office.file.forget("anna@example.org")
        assert office.file.last_logins("anna@example.org") == []

    def test_a_poller_is_written_once_a_minute(self, office: Office) -> None:
        for _ in range(100):
            self.note(office, HERE)
            office.clock.advance(1)
        assert office.threads.called.count("write") == 2

    def test_what_is_left_is_written_at_the_end(self, office: Office) -> None:
        self.note(office, HERE)
        outcome(office.notes.stop())
        assert len(office.file.last_logins("anna@example.org")) == 1
        assert office.clock.getDelayedCalls() == []
        outcome(office.notes.stop())
