"""The embedded directory: what an address is, and what a user name means."""

from __future__ import annotations

from pathlib import Path

import pytest
from zope.interface.verify import verifyObject

from gateway.accounts.database import AccountDatabase
from gateway.accounts.directory import EmbeddedDirectory
from gateway.accounts.errors import AccountError
from gateway.accounts.interfaces import (
    Alias,
    DirectoryUnavailable,
    IDirectory,
    IVersionedDirectory,
    User,
)
from tests.accounts.parts import make_database


@pytest.fixture
def database(tmp_path: Path) -> AccountDatabase:
    return make_database(tmp_path)


def login(directory: EmbeddedDirectory, name: str) -> str | None:
    user = directory.find_login(name)
    return user.mailbox if user is not None else None


def test_is_a_directory(database: AccountDatabase) -> None:
    assert verifyObject(IDirectory, EmbeddedDirectory(database))
    assert verifyObject(IVersionedDirectory, EmbeddedDirectory(database))


def test_domains(database: AccountDatabase) -> None:
    directory = EmbeddedDirectory(database)
    assert directory.has_domain("example.org") is True
    assert directory.has_domain("example.com") is False


def test_find(database: AccountDatabase) -> None:
    database.set_user("anna@example.org", "quota_octets", "1K")
    database.set_user("anna@example.org", "quota_messages", "7")
    database.add_alias("@example.org", ["bob@example.org"])
    directory = EmbeddedDirectory(database)
    assert directory.find("anna", "example.org") == User("anna@example.org", True, 1024, 7)
    assert directory.find("carl", "example.org") == User("carl@example.org", enabled=False)
    assert directory.find("info", "example.org") == Alias(("anna@example.org",))
    assert directory.find("", "example.org") == Alias(("bob@example.org",))
    assert directory.find("nobody", "example.org") is None
    assert directory.find("anna", "example.com") is None
    assert directory.find("", "example.com") is None


def test_quoted_local_part(database: AccountDatabase) -> None:
    database.add_user('"Anna Bell"@example.org', "h")
    directory = EmbeddedDirectory(database)
    assert directory.find("anna bell", "example.org") == User('"anna bell"@example.org')
    assert login(directory, '"ANNA bell"@example.org') == '"anna bell"@example.org'


@pytest.mark.parametrize(
    ("name", "mailbox"),
    [
        ("anna@example.org", "anna@example.org"),
        ("ANNA@Example.Org", "anna@example.org"),
        (" anna@example.org ", "anna@example.org"),
        ("anna", "anna@example.org"),
        ("Anna", "anna@example.org"),
        ("info@example.org", "anna@example.org"),
        ("info", "anna@example.org"),
        ("all@example.org", None),
        ("all", None),
        ("nobody", None),
        ("nobody@example.org", None),
        ("anna@example.com", None),
        ("@example.org", None),
        ("anna@", None),
        ("", None),
        ("@", None),
        ("an\x00na", None),
        ("x" * 5000, None),
        ("anna@[127.0.0.1]", None),
    ],
)
def test_login_name(database: AccountDatabase, name: str, mailbox: str | None) -> None:
    database.add_alias("@example.org", ["bob@example.org"])
    assert login(EmbeddedDirectory(database), name) == mailbox


def test_disabled_user_is_found_and_said_to_be_so(database: AccountDatabase) -> None:
    assert EmbeddedDirectory(database).find_login("carl") == User("carl@example.org", False)


def test_bare_name_in_several_domains(database: AccountDatabase) -> None:
    database.add_domain("example.com")
    database.add_user("anna@example.com", "h")
    database.add_user("dora@example.com", "h")
    database.add_alias("bob@example.com", ["bob@example.org"])
    directory = EmbeddedDirectory(database)
    assert login(directory, "anna") is None
    assert login(directory, "dora") == "dora@example.com"
    assert login(directory, "bob") == "bob@example.org"  # both addresses lead there


def test_default_domain(database: AccountDatabase) -> None:
    database.add_domain("example.com")
    database.add_user("anna@example.com", "h")
    directory = EmbeddedDirectory(database, "EXAMPLE.com")
    assert login(directory, "anna") == "anna@example.com"
    assert login(directory, "anna@example.org") == "anna@example.org"
    assert login(directory, "bob") == "bob@example.org"


def test_default_domain_that_is_none(database: AccountDatabase) -> None:
    with pytest.raises(AccountError, match="is not a domain"):
        EmbeddedDirectory(database, "not a domain")


def test_international_domain(database: AccountDatabase) -> None:
    database.add_domain("bücher.example")
    database.add_user("anna@BÜCHER.example", "h")
    directory = EmbeddedDirectory(database)
    assert login(directory, "anna@bücher.example") == "anna@xn--bcher-kva.example"
    assert login(directory, "anna@xn--bcher-kva.example") == "anna@xn--bcher-kva.example"


def test_home_domain(database: AccountDatabase) -> None:
    assert EmbeddedDirectory(database).home_domain() == "example.org"
    assert EmbeddedDirectory(database, "example.net").home_domain() == "example.net"
    database.add_domain("example.com")
    assert EmbeddedDirectory(database).home_domain() is None


def test_first_user(database: AccountDatabase) -> None:
    database.add_domain("example.com")
    database.add_user("aaron@example.com", "h")
    directory = EmbeddedDirectory(database)
    assert directory.first_user() == User("anna@example.org")
    assert directory.first_user("example.com") == User("aaron@example.com")
    assert directory.first_user("example.net") is None


def test_damage_is_no_answer(tmp_path: Path) -> None:
    database = make_database(tmp_path)
    directory = EmbeddedDirectory(database)
    database.close()
    (tmp_path / "accounts.sqlite").write_bytes(b"no database" * 1000)
    questions = (
        lambda: directory.has_domain("example.org"),
        lambda: directory.find("anna", "example.org"),
        lambda: directory.find_login("anna"),
        lambda: directory.find_login("anna@example.org"),
        directory.home_domain,
        directory.first_user,
    )
    for question in questions:
        with pytest.raises(DirectoryUnavailable, match="not a database"):
            question()
