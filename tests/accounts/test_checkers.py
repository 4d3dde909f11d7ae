"""The checkers of the embedded accounts."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from zope.interface.verify import verifyObject

from gateway.accounts.checkers import EmbeddedPasswordChecker, EmbeddedSecretChecker
from gateway.accounts.credentials import APOPCredentials
from gateway.accounts.database import AccountDatabase
from gateway.accounts.directory import EmbeddedDirectory
from gateway.accounts.hashing import HashingOverloaded
from gateway.accounts.interfaces import DirectoryUnavailable
from gateway.accounts.schemes import needs_upgrade
from gateway.events import Event, EventStream, InternalError, Trouble
from tests.accounts.parts import CHEAP, Threads, make_database, make_hashing, outcome

TIMESTAMP = b"<1@x>"


class Accounts:
    def __init__(self, folder: Path, **hashing: Any) -> None:
        self.database: AccountDatabase = make_database(folder)
        self.directory = EmbeddedDirectory(self.database)
        self.threads = Threads()
        self.events: list[Event] = []
        self.hashing = make_hashing(self.threads, **hashing)
        self.passwords = EmbeddedPasswordChecker(
            self.directory, self.hashing, EventStream(self.events.append)
        )
        self.secrets = EmbeddedSecretChecker(self.directory)

    def password(self, name: Any, password: Any) -> Any:
        return outcome(self.passwords.requestAvatarId(UsernamePassword(name, password)))

    def apop(self, name: bytes, secret: bytes) -> Any:
        digest = hashlib.md5(TIMESTAMP + secret).hexdigest().encode()
        return outcome(self.secrets.requestAvatarId(APOPCredentials(name, TIMESTAMP, digest)))

    def damage(self) -> None:
        self.database.close()
        self.database.path.write_bytes(b"no database" * 1000)


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    return Accounts(tmp_path)


def test_are_checkers(accounts: Accounts) -> None:
    assert verifyObject(ICredentialsChecker, accounts.passwords)
    assert verifyObject(ICredentialsChecker, accounts.secrets)


@pytest.mark.parametrize("name", [b"anna@example.org", b"ANNA", b"info", "anna"])
def test_right_password(accounts: Accounts, name: bytes | str) -> None:
    assert accounts.password(name, b"anna's") == b"anna@example.org"
    assert accounts.password(name, "anna's") == b"anna@example.org"


@pytest.mark.parametrize(
    ("name", "password"),
    [
        (b"anna", b"wrong"),
        (b"anna", b""),
        (b"anna", b"anna's\xff"),
        (b"anna", b"a\0b"),
        (b"nobody", b"anna's"),
        (b"", b""),
        (b"anna\xff", b"anna's"),
        (b"all", b"anna's"),
        (b"carl", b"carl's"),
    ],
)
def test_wrong_or_nobody_or_disabled(accounts: Accounts, name: bytes, password: bytes) -> None:
    failed = accounts.password(name, password)
    assert type(failed) is UnauthorizedLogin
    assert failed.args == ()
    assert accounts.threads.called == ["verify"]  # each costs one hash


def test_change_counts_at_once(accounts: Accounts, tmp_path: Path) -> None:
    assert accounts.password(b"anna", b"anna's") == b"anna@example.org"
    command = AccountDatabase(accounts.database.path)
    command.set_user("anna@example.org", "enabled", "no")
    assert isinstance(accounts.password(b"anna", b"anna's"), UnauthorizedLogin)
    command.set_user("anna@example.org", "enabled", "yes")
    command.set_password("anna@example.org", "{PLAIN}new", secret=None)
    assert isinstance(accounts.password(b"anna", b"anna's"), UnauthorizedLogin)
    assert accounts.password(b"anna", b"new") == b"anna@example.org"
    command.remove_user("anna@example.org")
    assert isinstance(accounts.password(b"anna", b"new"), UnauthorizedLogin)


def test_foreign_hash_is_upgraded(accounts: Accounts) -> None:
    accounts.database.set_password("bob@example.org", "{PLAIN}grün", secret="kept")
    assert isinstance(accounts.password(b"bob", b"wrong"), UnauthorizedLogin)
    user = accounts.database.user("bob@example.org")
    assert user is not None
    assert user.password_hash == "{PLAIN}grün"
    assert accounts.password(b"bob", "grün".encode()) == b"bob@example.org"
    user = accounts.database.user("bob@example.org")
    assert user is not None
    assert not needs_upgrade(user.password_hash, CHEAP)
    assert user.secret == "kept"
    assert accounts.password(b"bob", "grün".encode()) == b"bob@example.org"
    assert accounts.events == []


def test_upgrade_waits_for_nobody_and_nobody_for_it(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path, parallel=1, queue=0)
    accounts.database.set_password("bob@example.org", "{PLAIN}x", secret=None)
    assert accounts.password(b"bob", b"x") == b"bob@example.org"
    assert accounts.events == []


def test_upgrade_that_fails_is_told_and_the_login_stands(accounts: Accounts) -> None:
    accounts.database.set_password("bob@example.org", "{PLAIN}x", secret=None)

    def refuse(*arguments: object) -> bool:
        accounts.damage()
        accounts.database.domains()
        return False

    accounts.database.replace_hash = refuse  # type: ignore[method-assign]
    assert accounts.password(b"bob", b"x") == b"bob@example.org"
    [event] = accounts.events
    assert isinstance(event, Trouble)


def test_unexpected_failure_of_an_upgrade_is_a_defect(accounts: Accounts) -> None:
    accounts.database.set_password("bob@example.org", "{PLAIN}x", secret=None)
    accounts.database.replace_hash = None  # type: ignore[assignment]
    assert accounts.password(b"bob", b"x") == b"bob@example.org"
    [event] = accounts.events
    assert isinstance(event, InternalError)


def test_source_down_is_no_wrong_password(accounts: Accounts) -> None:
    accounts.damage()
    assert isinstance(accounts.password(b"anna", b"anna's"), DirectoryUnavailable)
    assert isinstance(accounts.apop(b"bob", b"tanstaaf"), DirectoryUnavailable)


def test_overload_is_no_wrong_password(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path, parallel=1, queue=0)
    accounts.threads._at_once = False
    accounts.hashing.hash("keeps the only thread busy")
    assert isinstance(accounts.password(b"anna", b"anna's"), HashingOverloaded)
    assert isinstance(accounts.password(b"nobody", b"anna's"), HashingOverloaded)


def test_secret(accounts: Accounts) -> None:
    assert accounts.apop(b"BOB@example.org", b"tanstaaf") == b"bob@example.org"


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        (b"bob", b"wrong"),
        (b"anna", b"anna's"),  # keeps none
        (b"anna", b""),
        (b"anna", b"None"),
        (b"carl", b"carl's"),  # disabled
        (b"nobody", b""),
    ],
)
def test_wrong_secret(accounts: Accounts, name: bytes, secret: bytes) -> None:
    assert type(accounts.apop(name, secret)) is UnauthorizedLogin
