"""Checkers from strings, and the portal that asks them in order."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from twisted.cred.credentials import IUsernameHashedPassword, IUsernamePassword, UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import Portal
from twisted.internet.defer import CancelledError, Deferred

from gateway.accounts.credentials import (
    APOPCredentials,
    ICertificateCredentials,
    IScramCredentials,
)
from gateway.accounts.database import AccountDatabase
from gateway.accounts.directory import EmbeddedDirectory
from gateway.accounts.errors import AccountError
from gateway.accounts.foreign_checkers import CheckersInOrder
from gateway.accounts.interfaces import DirectoryUnavailable, IMailUser
from gateway.accounts.strings import kinds
from gateway.client import Client
from tests.accounts.parts import (
    EmptyStore,
    Threads,
    build_portal,
    make_database,
    make_hashing,
    outcome,
)


@pytest.fixture
def database(tmp_path: Path) -> AccountDatabase:
    return make_database(tmp_path)


def portal_of(
    database: AccountDatabase, *strings: str, default_domain: str | None = None
) -> Portal:
    directory = EmbeddedDirectory(database, default_domain)
    return build_portal(directory, EmptyStore(), make_hashing(Threads()), checkers=strings)


def login(portal: Portal, credentials: Any) -> str | None:
    result = outcome(portal.login(credentials, Client("pop3", "127.0.0.1"), IMailUser))
    if isinstance(result, UnauthorizedLogin):
        return None
    if isinstance(result, Exception):
        raise result
    return str(result[1].address)


def password(name: bytes, secret: bytes) -> UsernamePassword:
    return UsernamePassword(name, secret)


def apop(name: bytes, secret: bytes) -> APOPCredentials:
    return APOPCredentials(name, b"<1@x>", hashlib.md5(b"<1@x>" + secret).hexdigest().encode())


def test_embedded(database: AccountDatabase) -> None:
    portal = portal_of(database, "embedded")
    assert login(portal, password(b"anna", b"anna's")) == "anna@example.org"
    assert login(portal, password(b"anna", b"wrong")) is None
    assert login(portal, apop(b"bob", b"tanstaaf")) == "bob@example.org"


def test_memory_replaces_the_embedded_passwords(database: AccountDatabase) -> None:
    portal = portal_of(database, "memory:anna:other:nobody:x:carl:y:bob@example.org:z")
    assert login(portal, password(b"anna", b"other")) == "anna@example.org"
    assert login(portal, apop(b"anna", b"other")) == "anna@example.org"
    assert login(portal, password(b"bob@example.org", b"z")) == "bob@example.org"
    assert login(portal, password(b"anna", b"anna's")) is None
    # The list of addresses counts, whoever vouches:
    assert login(portal, password(b"nobody", b"x")) is None
    assert login(portal, password(b"carl", b"y")) is None


def test_file(database: AccountDatabase, tmp_path: Path) -> None:
    (tmp_path / "passwords").write_text("anna:grün\nbob:x:y\n", encoding="utf-8")
    portal = portal_of(database, f"file:{tmp_path}/passwords")
    assert login(portal, password(b"anna", "grün".encode())) == "anna@example.org"
    assert login(portal, apop(b"anna", "grün".encode())) == "anna@example.org"
    assert login(portal, password(b"anna", b"")) is None


def test_several_in_order(database: AccountDatabase) -> None:
    portal = portal_of(database, "memory:anna:other", "embedded")
    assert login(portal, password(b"anna", b"other")) == "anna@example.org"
    assert login(portal, password(b"anna", b"anna's")) == "anna@example.org"
    assert login(portal, apop(b"bob", b"tanstaaf")) == "bob@example.org"
    assert login(portal, password(b"anna", b"wrong")) is None


def test_only_what_the_checkers_can_check(database: AccountDatabase) -> None:
    outside = {IUsernamePassword, ICertificateCredentials}
    assert set(portal_of(database, "unix").listCredentialsInterfaces()) == outside
    both = {*outside, IUsernameHashedPassword, IScramCredentials}
    assert set(portal_of(database, "unix", "embedded").listCredentialsInterfaces()) == both


def test_foreign_name_without_domain(database: AccountDatabase) -> None:
    database.add_domain("example.com")
    database.add_user("anna@example.com", "h")
    strings = "memory:anna:a:bob:b"
    nowhere = portal_of(database, strings)
    assert login(nowhere, password(b"anna", b"a")) is None
    assert login(nowhere, password(b"bob", b"b")) is None
    at_home = portal_of(database, strings, default_domain="example.com")
    assert login(at_home, password(b"anna", b"a")) == "anna@example.com"
    assert login(at_home, password(b"bob", b"b")) is None  # bob lives elsewhere


@pytest.mark.parametrize("string", ["kerberos", "nonsense:secret", "", "anonymous", "Embedded"])
def test_unknown(database: AccountDatabase, string: str) -> None:
    with pytest.raises(AccountError) as caught:
        portal_of(database, string)
    text = str(caught.value)
    for kind in ("embedded", "file", "memory", "unix"):
        assert kind in text
    assert "anonymous" not in text.partition("there are: ")[2]
    assert "secret" not in text
    assert "\n" not in text


def test_kinds() -> None:
    assert kinds()[0] == "embedded"
    assert {"file", "memory", "unix"} <= set(kinds())


@pytest.mark.parametrize("string", ["file:", "file:/no/such/file", "file"])
def test_file_that_is_not_there(database: AccountDatabase, string: str) -> None:
    with pytest.raises(AccountError, match="file:PATH"):
        portal_of(database, string)


def test_argument_that_is_wrong(database: AccountDatabase) -> None:
    with pytest.raises(AccountError, match="it takes: ") as caught:
        portal_of(database, "memory:anna:PASSWORD:bob")
    assert "PASSWORD" not in str(caught.value)


class Fixed:
    """A checker that always says the same."""

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self, says: bytes | Exception) -> None:
        self._says = says

    def requestAvatarId(self, credentials: Any) -> bytes:
        if isinstance(self._says, Exception):
            raise self._says
        return self._says


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ([b"a", b"b"], b"a"),
        ([UnauthorizedLogin(), b"b"], b"b"),
        ([DirectoryUnavailable(), b"b"], b"b"),
        ([UnauthorizedLogin(), UnauthorizedLogin()], UnauthorizedLogin),
        ([DirectoryUnavailable(), UnauthorizedLogin()], DirectoryUnavailable),
        ([UnauthorizedLogin(), DirectoryUnavailable()], DirectoryUnavailable),
    ],
)
def test_order(says: list[Any], expected: Any) -> None:
    checker = CheckersInOrder(IUsernamePassword, [Fixed(answer) for answer in says])
    result = outcome(checker.requestAvatarId(password(b"x", b"y")))
    assert result == expected or type(result) is expected


def test_cancelled_login_asks_nobody_else() -> None:
    class Waiting(Fixed):
        def requestAvatarId(self, credentials: Any) -> Any:
            return Deferred()

    checker = CheckersInOrder(IUsernamePassword, [Waiting(b""), Fixed(b"b")])
    asking = checker.requestAvatarId(password(b"x", b"y"))
    asking.cancel()
    assert isinstance(outcome(asking), CancelledError)
