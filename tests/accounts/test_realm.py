"""The realm: what a user gets who has proved who they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.cred.checkers import ANONYMOUS
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm
from twisted.internet.defer import Deferred, succeed
from zope.interface import Interface, implementer
from zope.interface.verify import verifyObject

from gateway.accounts.database import AccountDatabase
from gateway.accounts.directory import EmbeddedDirectory
from gateway.accounts.interfaces import DirectoryUnavailable, IDirectory, IMailUser, User
from gateway.accounts.realm import MailRealm
from gateway.client import Client
from gateway.store.interfaces import IMaildrop, MaildropInUse, StoreError
from tests.accounts.parts import EmptyStore, make_database, outcome


class ISomethingElse(Interface):
    """What no realm of ours has."""


@pytest.fixture
def database(tmp_path: Path) -> AccountDatabase:
    return make_database(tmp_path)


@pytest.fixture
def store() -> EmptyStore:
    return EmptyStore()


@pytest.fixture
def realm(database: AccountDatabase, store: EmptyStore) -> MailRealm:
    return MailRealm(store, EmbeddedDirectory(database))


def ask(realm: MailRealm, avatar_id: Any, *interfaces: Any) -> Any:
    return outcome(realm.requestAvatar(avatar_id, Client("pop3", "127.0.0.1"), *interfaces))


def test_is_a_realm(realm: MailRealm) -> None:
    assert verifyObject(IRealm, realm)


@pytest.mark.parametrize(
    "avatar_id", [b"anna@example.org", "anna@example.org", b"Anna", b"info@example.org"]
)
def test_maildrop(realm: MailRealm, store: EmptyStore, avatar_id: bytes | str) -> None:
    interface, maildrop, logout = ask(realm, avatar_id, IMaildrop)
    assert interface is IMaildrop
    assert verifyObject(IMaildrop, maildrop)
    assert maildrop.mailbox == "anna@example.org"
    assert store.held == {"anna@example.org"}
    logout()
    assert store.held == set()


def test_mail_user(realm: MailRealm, store: EmptyStore) -> None:
    interface, user, logout = ask(realm, b"anna@example.org", IMailUser)
    assert interface is IMailUser
    assert verifyObject(IMailUser, user)
    assert user.address == "anna@example.org"
    logout()
    assert store.held == set()


def test_order_of_the_interfaces_counts(realm: MailRealm) -> None:
    assert ask(realm, b"anna@example.org", ISomethingElse, IMailUser, IMaildrop)[0] is IMailUser
    assert ask(realm, b"anna@example.org", ISomethingElse, IMaildrop, IMailUser)[0] is IMaildrop


def test_other_interfaces(realm: MailRealm) -> None:
    failed = ask(realm, b"anna@example.org", ISomethingElse)
    assert isinstance(failed, NotImplementedError)
    assert "ISomethingElse" in str(failed)
    assert isinstance(ask(realm, b"anna@example.org"), NotImplementedError)


@pytest.mark.parametrize(
    "avatar_id", [b"nobody@example.org", b"carl@example.org", b"\xff", b"", ANONYMOUS]
)
def test_nobody_gets_nothing(realm: MailRealm, store: EmptyStore, avatar_id: Any) -> None:
    for interface in (IMaildrop, IMailUser):
        assert isinstance(ask(realm, avatar_id, interface), UnauthorizedLogin)
    assert store.held == set()


def test_in_use(realm: MailRealm) -> None:
    ask(realm, b"anna@example.org", IMaildrop)
    assert isinstance(ask(realm, b"anna@example.org", IMaildrop), MaildropInUse)
    assert ask(realm, b"bob@example.org", IMaildrop)[0] is IMaildrop


def test_store_in_trouble(realm: MailRealm, store: EmptyStore) -> None:
    store.trouble = StoreError("the disk is gone")
    assert ask(realm, b"anna@example.org", IMaildrop) is store.trouble
    assert ask(realm, b"anna@example.org", IMailUser)[0] is IMailUser


def test_directory_in_trouble(realm: MailRealm, database: AccountDatabase) -> None:
    database.close()
    database.path.write_bytes(b"no database" * 1000)
    assert isinstance(ask(realm, b"anna@example.org", IMaildrop), DirectoryUnavailable)


@implementer(IDirectory)
class WaitingDirectory:
    """A directory that answers with Deferreds."""

    def has_domain(self, domain: str) -> Any:
        return succeed(True)

    def find(self, local_part: str, domain: str) -> Any:
        return succeed(None)

    def find_login(self, name: str) -> Any:
        return succeed(User("mapped@example.org"))


def test_directory_that_waits(store: EmptyStore) -> None:
    realm = MailRealm(store, WaitingDirectory())
    assert ask(realm, b"uid=1000", IMaildrop)[1].mailbox == "mapped@example.org"
    assert isinstance(ask(realm, ANONYMOUS, IMaildrop), UnauthorizedLogin)


@pytest.mark.parametrize("change", ["disabled", "removed", "unreadable"])
def test_who_was_shut_out_while_the_maildrop_was_opened(
    database: AccountDatabase, store: EmptyStore, change: str
) -> None:
    class SlowStore(EmptyStore):
        def open_maildrop(self, mailbox: str, client: Any) -> Any:
            return opening.addCallback(lambda _: store.open_maildrop(mailbox, client))

    opening: Deferred[Any] = Deferred()
    asked = MailRealm(SlowStore(), EmbeddedDirectory(database)).requestAvatar(
        b"anna@example.org", Client("pop3", "127.0.0.1"), IMaildrop
    )
    expected: type[Exception] = UnauthorizedLogin
    if change == "disabled":
        database.set_user("anna@example.org", "enabled", "no")
    elif change == "removed":
        database.remove_user("anna@example.org")
    else:
        database.close()
        database.path.write_bytes(b"no database" * 1000)
        expected = DirectoryUnavailable
    opening.callback(None)
    assert type(outcome(asked)) is expected
    assert store.held == set()
