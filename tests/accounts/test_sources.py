"""The checkers of outside sources, as far as they need no reactor; the rest is in tests/interop."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.strcred import ICheckerFactory, makeChecker
from twisted.internet.defer import maybeDeferred
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from gateway.accounts.directory import EmbeddedDirectory
from gateway.accounts.errors import AccountError
from gateway.accounts.interfaces import Alias, DirectoryUnavailable, IUserSource, User
from gateway.accounts.joined_directory import JoinedDirectory
from gateway.accounts.sources.http import HTTPChecker
from gateway.accounts.sources.kinds import KINDS
from gateway.accounts.sources.ldap import LDAPChecker
from gateway.accounts.sources.pam import PAMChecker
from gateway.accounts.sources.passwd_file import PasswdFileChecker, parse
from gateway.accounts.sources.sql import SQLChecker
from gateway.accounts.sources.surroundings import Surroundings
from gateway.accounts.sources.system_users import SystemUsers
from gateway.accounts.strings import described_kinds, kinds
from tests.accounts.parts import Threads, cheap_hash, make_database, make_hashing, outcome

SURROUNDINGS = Surroundings(Clock(), maybeDeferred, make_hashing(Threads()))


def ask(checker: Any, name: str, password: str) -> Any:
    credentials = UsernamePassword(name.encode(), password.encode())
    result = outcome(checker.requestAvatarId(credentials))
    return None if isinstance(result, UnauthorizedLogin) else result


class TestPasswdFile:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        path = tmp_path / "passwd"
        path.write_text(
            "# Dovecot's\n\n"
            f"Erin@example.org:{cheap_hash('x: y')}::::::\n"
            "fred:{PLAIN}freds:1000:1000::/home/fred:/bin/sh:userdb_quota=1 allow_nets=::1\n"
            "gone@example.org:{PLAIN}gones::::::nologin reason=moved\n"
            "nothing@example.org:\n"
            "hash@example.org:{NTLM}00\n"
            "fred:{PLAIN}second::::::\n"
            "twin@example.org:{PLAIN}t\ntwin@example.com:{PLAIN}t\n"
        )
        return path

    @pytest.mark.parametrize(
        ("name", "password", "who"),
        [
            ("erin@example.org", "x: y", b"erin@example.org"),
            ("ERIN@example.org", "x: y", b"erin@example.org"),
            ("erin", "x: y", b"erin@example.org"),
            ("erin@example.org", "x", None),
            ("fred", "freds", b"fred"),
            ("fred", "second", None),
            ("fred@example.org", "freds", None),
            ("gone@example.org", "gones", None),
            ("nothing@example.org", "", None),
            ("twin", "t", None),
            ("nobody@example.org", "x", None),
        ],
    )
    def test_passwords(self, path: Path, name: str, password: str, who: bytes | None) -> None:
        assert ask(PasswdFileChecker(path, SURROUNDINGS), name, password) == who

    def test_hash_that_cannot_be_read(self, path: Path) -> None:
        checker = PasswdFileChecker(path, SURROUNDINGS)
        assert isinstance(ask(checker, "hash@example.org", "x"), AccountError)

    def test_who_exists(self, path: Path) -> None:
        checker = PasswdFileChecker(path, SURROUNDINGS)
        assert verifyObject(IUserSource, checker)
        assert verifyObject(ICredentialsChecker, checker)
        assert outcome(checker.has_user("erin", "example.org", None))
        assert outcome(checker.has_user("gone", "example.org", None))
        assert outcome(checker.has_user("fred", "example.org", "example.org"))
        assert not outcome(checker.has_user("fred", "example.org", "example.com"))
        assert not outcome(checker.has_user("erin", "example.com", "example.com"))
        assert outcome(checker.has_domain("example.org"))
        assert not outcome(checker.has_domain("example.net"))

    def test_read_again_when_it_has_changed(self, path: Path) -> None:
        checker = PasswdFileChecker(path, SURROUNDINGS)
        path.write_text("new@example.org:{PLAIN}news\n")
        assert ask(checker, "new@example.org", "news") == b"new@example.org"
        assert ask(checker, "fred", "freds") is None

    def test_file_that_went(self, path: Path) -> None:
        checker = PasswdFileChecker(path, SURROUNDINGS)
        path.unlink()
        assert isinstance(ask(checker, "fred", "freds"), DirectoryUnavailable)
        gone = outcome(checker.has_user("fred", "example.org", "example.org"))
        assert isinstance(gone, DirectoryUnavailable)

    def test_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(AccountError, match="passwd-file:PATH"):
            PasswdFileChecker(tmp_path / "none", SURROUNDINGS)

    def test_nothing_of_a_password_is_shown(self) -> None:
        assert "SECRET" not in repr(parse("a:{PLAIN}SECRET\n"))


class Source:
    """Knows erin, and whoever has no domain."""

    def has_user(self, local_part: str, domain: str, home: str | None) -> bool:
        if local_part == "down":
            raise DirectoryUnavailable("down")
        known = (local_part, domain) == ("erin", "out.example")
        return known or (local_part == "fred" and domain == home)

    def has_domain(self, domain: str) -> bool:
        return domain == "out.example"


class TestJoinedDirectory:
    @pytest.fixture
    def directory(self, tmp_path: Path) -> JoinedDirectory:
        return JoinedDirectory(EmbeddedDirectory(make_database(tmp_path)), [Source()])

    @pytest.mark.parametrize(
        ("local_part", "domain", "found"),
        [
            ("anna", "example.org", User("anna@example.org")),
            ("info", "example.org", Alias(("anna@example.org",))),
            ("carl", "example.org", User("carl@example.org", enabled=False)),
            ("erin", "out.example", User("erin@out.example")),
            ("fred", "example.org", User("fred@example.org")),
            ("fred", "out.example", None),
            ("nobody", "example.org", None),
            ("", "out.example", None),
            ("a..b@", "out.example", None),
        ],
    )
    def test_find(
        self, directory: JoinedDirectory, local_part: str, domain: str, found: Any
    ) -> None:
        assert outcome(directory.find(local_part, domain)) == found

    @pytest.mark.parametrize(
        ("name", "mailbox"),
        [
            ("ANNA", "anna@example.org"),
            ("info", "anna@example.org"),
            ("Erin@OUT.example", "erin@out.example"),
            ("fred", "fred@example.org"),
            ("erin", None),
            ("all", None),
            ("", None),
            ("@", None),
        ],
    )
    def test_find_login(self, directory: JoinedDirectory, name: str, mailbox: str | None) -> None:
        found = outcome(directory.find_login(name))
        assert (found and found.mailbox) == mailbox

    def test_domains(self, directory: JoinedDirectory) -> None:
        assert outcome(directory.has_domain("example.org"))
        assert outcome(directory.has_domain("out.example"))
        assert not outcome(directory.has_domain("example.net"))

    def test_source_that_is_down(self, directory: JoinedDirectory) -> None:
        assert isinstance(outcome(directory.find("down", "out.example")), DirectoryUnavailable)
        assert isinstance(outcome(directory.find_login("down")), DirectoryUnavailable)


@pytest.mark.parametrize(
    "url",
    ["", "x", "ftp://x/", "http://192.0.2.1/", "http://example.org/", "https://", "http://"],
)
def test_url_that_is_refused(url: str) -> None:
    with pytest.raises(AccountError, match="https://HOST/PATH"):
        HTTPChecker(url, SURROUNDINGS)


@pytest.mark.parametrize("url", ["https://example.org/x", "http://127.0.0.1:8/", "http://[::1]/"])
def test_url_that_is_taken(url: str) -> None:
    assert verifyObject(ICredentialsChecker, HTTPChecker(url, SURROUNDINGS))


class TestFiles:
    """What is wrong with the file of a source is told, with the key and without its values."""

    @pytest.mark.parametrize(
        ("kind", "text", "problem"),
        [
            (SQLChecker, "x", "is not TOML"),
            (SQLChecker, 'module = "sqlite3"', "connect: Field required"),
            (
                SQLChecker,
                'module = "no_such"\npassword = "q"\n[connect]\nx = "SECRET"',
                "no 'no_such' here",
            ),
            (SQLChecker, 'modul = "SECRET"', "it takes module, connect, password"),
            (LDAPChecker, 'server = "ldap://192.0.2.1"\nbase = "x"', "write ldaps://HOST"),
            (LDAPChecker, 'server = "x"\nbase = "x"\nbind_password = "SECRET"', "write ldaps://"),
        ],
    )
    def test_wrong(self, tmp_path: Path, kind: Any, text: str, problem: str) -> None:
        file = tmp_path / "source.toml"
        file.write_text(text)
        with pytest.raises(AccountError) as caught:
            kind(file, SURROUNDINGS)
        assert problem in str(caught.value)
        assert str(file) in str(caught.value)
        assert "SECRET" not in str(caught.value)

    @pytest.mark.parametrize("kind", [SQLChecker, LDAPChecker])
    def test_missing(self, tmp_path: Path, kind: Any) -> None:
        with pytest.raises(AccountError, match="no such file"):
            kind(tmp_path / "none.toml", SURROUNDINGS)


def test_pam_refuses_whom_this_system_does_not_know() -> None:
    checker = PAMChecker("other", SURROUNDINGS)
    assert verifyObject(ICredentialsChecker, checker)
    for name in ("no-such-user-here", "no-such-user-here@example.org", "a\0b"):
        assert ask(checker, name, "wrong") is None


def test_system_users() -> None:
    source = SystemUsers(SURROUNDINGS)
    assert verifyObject(IUserSource, source)
    for name in ("root", "no-such-user-here", "a\0b", ""):
        assert not outcome(maybeDeferred(source.has_user, name, "example.org", "example.org"))
    assert not source.has_user("root", "example.org", None)
    if 1000 <= os.getuid() < 65_534:
        import pwd

        me = pwd.getpwuid(os.getuid()).pw_name
        assert outcome(maybeDeferred(source.has_user, me, "example.org", "example.org"))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.authType)
def test_kinds_are_plugins(kind: Any) -> None:
    assert verifyObject(ICheckerFactory, kind)
    assert kind.authType in kinds()
    assert kind.authHelp in dict(described_kinds())[kind.authType]


def test_plugin_in_a_program_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "passwd"
    path.write_text("anna:{PLAIN}x\n")
    checker: Any = makeChecker(f"passwd-file:{path}")
    assert verifyObject(ICredentialsChecker, checker)
