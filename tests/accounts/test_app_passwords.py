"""App passwords: named, shown once, revocable, for one protocol."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import UnauthorizedLogin

from gateway.accounts.checkers import EmbeddedPasswordChecker
from gateway.accounts.database import AccountDatabase
from gateway.accounts.directory import EmbeddedDirectory
from gateway.accounts.errors import AccountError
from gateway.client import Client
from tests.accounts.parts import Threads, make_database, make_hashing, outcome

ANNA = "anna@example.org"


@pytest.fixture
def database(tmp_path: Path) -> AccountDatabase:
    return make_database(tmp_path)


def login(database: AccountDatabase, name: str, password: str, protocol: str | None) -> bool:
    threads = Threads()
    checker = EmbeddedPasswordChecker(EmbeddedDirectory(database), make_hashing(threads))
    credentials = UsernamePassword(name.encode(), password.encode())
    if protocol is not None:
        credentials.client = Client(protocol, "192.0.2.1")  # type: ignore[attr-defined]
    result = outcome(checker.requestAvatarId(credentials))
    if isinstance(result, UnauthorizedLogin):
        return False
    assert result == ANNA.encode()
    assert threads.called == []  # it costs no hash
    return True


@pytest.mark.parametrize("protocol", ["pop3", "pop3s", "smtp", "submission", None])
def test_good_for_all(database: AccountDatabase, protocol: str | None) -> None:
    made = database.app_passwords.add("Anna@example.org", "phone")
    assert login(database, "anna", made, protocol)
    assert login(database, "info", made.replace("-", "").upper(), protocol)
    assert login(database, "anna", made.replace("-", " "), protocol)
    assert not login(database, "anna", made[:-1], protocol)
    assert not login(database, "bob", made, protocol)


@pytest.mark.parametrize(
    ("limit", "protocol", "good"),
    [
        ("pop3", "pop3", True),
        ("pop3", "pop3s", True),
        ("pop3", "smtp", False),
        ("smtp", "smtp", True),
        ("smtp", "submissions", True),
        ("smtp", "pop3s", False),
        ("smtp", None, False),
    ],
)
def test_limited_to_a_protocol(
    database: AccountDatabase, limit: str, protocol: str | None, good: bool
) -> None:
    made = database.app_passwords.add(ANNA, "phone", limit)
    assert login(database, "anna", made, protocol) is good


def test_revoked(database: AccountDatabase) -> None:
    made = database.app_passwords.add(ANNA, "phone")
    other = database.app_passwords.add(ANNA, "tablet")
    database.app_passwords.revoke(ANNA, "phone")
    assert not login(database, "anna", made, "pop3")
    assert login(database, "anna", other, "pop3")


def test_disabled_account(database: AccountDatabase) -> None:
    made = database.app_passwords.add(ANNA, "phone")
    database.set_user(ANNA, "enabled", "no")
    assert not login(database, "anna", made, "pop3")


def test_gone_with_the_account(database: AccountDatabase) -> None:
    database.app_passwords.add(ANNA, "phone")
    database.remove_user(ANNA)
    database.add_user(ANNA, "h")
    assert database.app_passwords.list(ANNA) == []


def test_listed(database: AccountDatabase) -> None:
    made = [database.app_passwords.add(ANNA, name, "smtp") for name in ("tablet", "phone")]
    found = database.app_passwords.list(ANNA)
    assert [(one.name, one.protocol) for one in found] == [("phone", "smtp"), ("tablet", "smtp")]
    kept = database.path.read_bytes() + Path(f"{database.path}-wal").read_bytes()
    for password in made:
        assert password.encode() not in kept
        assert password.replace("-", "").encode() not in kept


def test_refused(database: AccountDatabase) -> None:
    database.app_passwords.add(ANNA, "phone")
    with pytest.raises(AccountError, match="revoke it first"):
        database.app_passwords.add(ANNA, " phone ")
    with pytest.raises(AccountError, match="no user"):
        database.app_passwords.add("nobody@example.org", "phone")
    with pytest.raises(AccountError, match="no app password"):
        database.app_passwords.revoke(ANNA, "tablet")
    for name in ("", " ", "a\nb", "x" * 61):
        with pytest.raises(AccountError, match="printable"):
            database.app_passwords.add(ANNA, name)
