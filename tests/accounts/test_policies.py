"""What is decided about mailboxes, for all, for a domain, for a user."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import fail, succeed
from zope.interface import implementer
from zope.interface.verify import verifyObject

from gateway.accounts.database import AccountDatabase
from gateway.accounts.directory import EmbeddedDirectory
from gateway.accounts.errors import AccountError, DatabaseUnavailable
from gateway.accounts.maildrop import PolicedMaildrop
from gateway.accounts.policies import DAY, POLICY_SETTINGS, MailboxPolicy
from gateway.accounts.realm import MailRealm
from gateway.client import Client
from gateway.store.interfaces import (
    IKeepingMaildrop,
    IMaildrop,
    IMaildropPolicy,
    MaildropPolicy,
    Snapshot,
    StoreError,
)
from tests.accounts.parts import EmptyStore, make_database, outcome

ANNA, BOB = "anna@example.org", "bob@example.org"
DEFAULT = MailboxPolicy(undelete_days=7)


@pytest.fixture
def database(tmp_path: Path) -> AccountDatabase:
    return make_database(tmp_path)


def test_the_nearest_decision_counts(database: AccountDatabase) -> None:
    policies = database.policies
    assert policies.of(ANNA, DEFAULT) == DEFAULT
    policies.set_for_domain("Example.org", "undelete_days", "14")
    policies.set_for_domain("example.org", "keep", "yes")
    policies.set_for_user("Anna@example.org", "keep", "no")
    assert policies.of(ANNA, DEFAULT) == MailboxPolicy(undelete_days=14, keep=False)
    assert policies.of(BOB, DEFAULT) == MailboxPolicy(undelete_days=14, keep=True)
    assert policies.of_domain("example.org") == {"undelete_days": 14, "keep": 1}
    policies.set_for_user(ANNA, "keep", "default")
    assert policies.of(ANNA, DEFAULT).keep is True
    policies.set_for_domain("example.org", "undelete_days", "default")
    assert policies.of(ANNA, DEFAULT).undelete_days == 7


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("login_delay_seconds", "60", 60),
        ("login_delay_hard", "On", True),
        ("expire_days", " 30 ", 30),
        ("expire_days", "never", 0),
        ("undelete_days", "0", 0),
        ("keep", "no", False),
    ],
)
def test_values(database: AccountDatabase, key: str, text: str, value: object) -> None:
    database.policies.set_for_user(ANNA, key, text)
    found = getattr(database.policies.of(ANNA, MailboxPolicy(9, True, 9, True, 9)), key)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("key", POLICY_SETTINGS)
@pytest.mark.parametrize("text", ["", "-1", "1.5", "many", "99999999", "\u0661"])
def test_bad_values(database: AccountDatabase, key: str, text: str) -> None:
    with pytest.raises(AccountError, match=key):
        database.policies.set_for_user(ANNA, key, text)
    assert database.policies.of(ANNA, DEFAULT) == DEFAULT


def test_refusals(database: AccountDatabase) -> None:
    with pytest.raises(AccountError, match="there is no policy 'colour'; there are: login_delay"):
        database.policies.set_for_user(ANNA, "colour", "red")
    with pytest.raises(AccountError, match="no user"):
        database.policies.set_for_user("nobody@example.org", "keep", "yes")
    with pytest.raises(AccountError, match="not served"):
        database.policies.set_for_domain("other.example", "keep", "yes")


def test_they_go_with_their_user_and_domain(database: AccountDatabase) -> None:
    database.policies.set_for_user(ANNA, "keep", "yes")
    database.remove_user(ANNA)
    database.add_user(ANNA, "{PLAIN}x")
    assert database.policies.of(ANNA, DEFAULT) == DEFAULT
    database.add_domain("new.example")
    database.policies.set_for_domain("new.example", "keep", "yes")
    database.remove_domain("new.example")
    database.add_domain("new.example")
    assert database.policies.of_domain("new.example") == {}


def test_what_is_announced_before_the_login(database: AccountDatabase) -> None:
    policies, default = database.policies, MailboxPolicy(login_delay_seconds=10)
    assert policies.strictest(default) is None
    policies.set_for_user(ANNA, "keep", "yes")
    assert policies.strictest(default) is None
    policies.set_for_user(ANNA, "login_delay_seconds", "5")
    assert policies.strictest(default) == MaildropPolicy(10)
    policies.set_for_user(BOB, "login_delay_seconds", "60")
    policies.set_for_user(BOB, "expire_days", "30")
    policies.set_for_domain("example.org", "expire_days", "90")
    assert policies.strictest(default) == MaildropPolicy(60, expire_days=30)


def test_until_when_something_is_kept() -> None:
    assert MailboxPolicy().kept_until(100.0) is None
    assert MailboxPolicy(undelete_days=2).kept_until(100.0) == 100.0 + 2 * DAY
    assert MailboxPolicy(undelete_days=2, keep=True).kept_until(100.0) == math.inf
    assert MailboxPolicy(5, False, 30).announced == MaildropPolicy(5, False, 30)
    assert MailboxPolicy().announced == MaildropPolicy()


@implementer(IMaildrop)
class Recorder:
    """A maildrop that notes what is asked of it."""

    mailbox = ANNA
    snapshot = Snapshot((), ())

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def open_message(self, index: int) -> Any:
        return ("message", index)

    def attributes(self, index: int) -> Any:
        return ("attributes", index)

    def commit(self, deleted: Any) -> Any:
        self.asked.append(("commit", deleted))
        return succeed([])

    def release(self) -> None:
        self.asked.append(("release",))


@implementer(IKeepingMaildrop)
class KeepingRecorder(Recorder):
    def set_aside(self, deleted: Any, until: float) -> Any:
        self.asked.append(("set_aside", deleted, until))
        return succeed([])

    def older_than(self, moment: float) -> Any:
        return fail(AssertionError())


def test_a_maildrop_under_a_policy() -> None:
    below = KeepingRecorder()
    maildrop = PolicedMaildrop(below, MailboxPolicy(60, True, 30, keep=True))
    assert verifyObject(IMaildrop, maildrop)
    assert verifyObject(IMaildropPolicy, maildrop)
    assert maildrop.policy == MaildropPolicy(60, True, 30)
    assert (maildrop.mailbox, maildrop.snapshot) == (ANNA, below.snapshot)
    assert maildrop.open_message(3) == ("message", 3)
    assert maildrop.attributes(3) == ("attributes", 3)
    assert outcome(maildrop.commit([1, 2])) == []
    maildrop.release()
    assert below.asked == [("set_aside", [1, 2], math.inf), ("release",)]


def test_without_a_policy_deleted_is_deleted() -> None:
    below = Recorder()
    assert outcome(PolicedMaildrop(below, MailboxPolicy()).commit([1])) == []
    assert below.asked == [("commit", [1])]


def test_a_store_that_cannot_keep_deletes_nothing() -> None:
    below = Recorder()
    failed = outcome(PolicedMaildrop(below, MailboxPolicy(undelete_days=1)).commit([1]))
    assert isinstance(failed, StoreError)
    assert below.asked == []


def test_the_realm_gives_maildrops_under_their_policy(database: AccountDatabase) -> None:
    store = EmptyStore()
    database.policies.set_for_user(ANNA, "expire_days", "30")
    directory = EmbeddedDirectory(database)
    realm = MailRealm(store, directory, lambda name: database.policies.of(name, DEFAULT))
    asked = realm.requestAvatar(ANNA, Client("pop3", "192.0.2.1"), IMaildrop)
    _, maildrop, logout = outcome(asked)
    assert IMaildropPolicy(maildrop).policy == MaildropPolicy(expire_days=30)
    logout()

    def cannot_say(name: str) -> MailboxPolicy:
        raise DatabaseUnavailable("gone")

    realm = MailRealm(store, directory, cannot_say)
    asked = realm.requestAvatar(ANNA, Client("pop3", "192.0.2.1"), IMaildrop)
    assert isinstance(outcome(asked), DatabaseUnavailable)
    assert store.held == set()
