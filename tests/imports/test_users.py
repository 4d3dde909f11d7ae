"""Many users at once, and their accounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.accounts.database import AccountDatabase
from gateway.accounts.records import UserRecord
from tests.admin.commands import Office
from tests.imports.maildirs import OldMaildir, ours

SHA512 = "{SHA512-CRYPT}$6$saltsalt$" + "a" * 86


def user(office: Office, address: str) -> UserRecord | None:
    accounts = AccountDatabase(office.data / "accounts.sqlite")
    try:
        return accounts.user(address)
    finally:
        accounts.close()


def file_of(office: Office, text: str) -> Path:
    path = office.folder / "users"
    path.write_text(text)
    return path


def test_mail_and_accounts(office: Office, maildir: OldMaildir) -> None:
    ben = OldMaildir(maildir.folder.parent / "ben")
    maildir.add(b"for anna\n")
    ben.add(b"for ben\n")
    users = file_of(office, f"anna:{SHA512}\nben:{{PLAIN}}secret\ncarl:{SHA512}::::::nologin\n")
    template = maildir.folder.parent.parent / "%d" / "%n"
    words = ["import", "maildir", template, "--users", users, "--domain", "example.org"]
    dry = office(*words, "--dry-run").out
    assert "would add 2 accounts" in dry
    assert user(office, "ben@example.org") is None
    out = office(*words).out
    assert "added 2 accounts" in out
    assert "1 password in {SHA512-CRYPT}: kept until the next login" in out
    assert "1 user had an account here already, whose password stays" in out
    assert "all: 2 messages" in out
    assert [message.octets for message in ours(office, "ben@example.org")] == [b"for ben\r\n"]
    carl, ben_now = user(office, "carl@example.org"), user(office, "ben@example.org")
    assert carl is not None and ben_now is not None
    assert (carl.enabled, carl.password_hash) == (False, SHA512)
    assert ben_now.password_hash.startswith("$argon2id$")
    assert office(*words).out.count("here already: left alone") == 3


def test_one_user_of_a_file(office: Office, maildir: OldMaildir) -> None:
    maildir.add()
    users = file_of(
        office, f"ben@example.org:{SHA512}::::{maildir.folder}\nx@example.org:{SHA512}\n"
    )
    office("import", "maildir", "%h", "ben@example.org", "--users", users)
    assert user(office, "ben@example.org") is not None
    assert user(office, "x@example.org") is None
    assert len(ours(office, "ben@example.org")) == 1
    done = office("import", "maildir", "%h", "y@example.org", "--users", users, status=1)
    assert f"{users} has no user y@example.org" in done.err


def test_one_damaged_mailbox_stops_all(office: Office, maildir: OldMaildir) -> None:
    ben = OldMaildir(maildir.folder.parent / "ben")
    for old in (maildir, ben):
        base = old.add()
        old.write("dovecot-uidlist", f"3 V1 N9\n1 :{base}\n".encode())
    ben.write("dovecot-uidlist", b"garbage\n")
    users = file_of(office, f"anna@example.org:{SHA512}\nben@example.org:{SHA512}\n")
    template = maildir.folder.parent / "%n"
    done = office("import", "dovecot", template, "--users", users, status=1)
    assert f"{ben.folder}/dovecot-uidlist, line 1" in done.err
    assert user(office, "ben@example.org") is None
    assert ours(office) == []


def test_one_folder_for_many_users(office: Office, maildir: OldMaildir) -> None:
    users = file_of(office, f"a@example.org:{SHA512}\nb@example.org:{SHA512}\n")
    done = office("import", "maildir", maildir.folder, "--users", users, status=2)
    assert "is one mailbox, and there are 2 users" in done.err


def test_wrong_accounts_are_all_named_and_none_is_added(office: Office) -> None:
    office("alias", "add", "info@example.org", "anna@example.org")
    users = file_of(
        office,
        f"ok@example.org:{SHA512}\n"
        "a@example.org:\n"
        "b@example.org:{CRAM-MD5}abc\n"
        "c@other.org:{PLAIN}x\n"
        "d:{PLAIN}x\n"
        "info@example.org:{PLAIN}x\n"
        "e@example.org:rqXexS6ZhobKA\n"
        f"OK@example.org:{SHA512}\n",
    )
    err = office("import", "accounts", users, status=1).err
    for number, what in (
        (2, "has no password: put one there as {PLAIN}PASSWORD"),
        (3, "the password scheme {CRAM-MD5} is not known"),
        (4, "pop3gw domain add other.org"),
        (5, "names no domain: add --domain DOMAIN"),
        (6, "is an alias"),
        (7, "the hash names no scheme"),
        (8, "line 1 has ok@example.org already"),
    ):
        assert any(f"{users}, line {number}: " in line and what in line for line in err.split("\n"))
    assert err.endswith("nothing was imported\n")
    assert user(office, "ok@example.org") is None


def test_accounts_of_a_dump(office: Office) -> None:
    dump = file_of(
        office,
        "CREATE TABLE `mailbox` (\n  `username` varchar(255),\n  `password` varchar(255),\n"
        "  `active` tinyint(1)\n);\n"
        f"INSERT INTO `mailbox` VALUES ('ben@example.org','{SHA512}',0);\n",
    )
    assert "would add 1 account" in office("import", "accounts", dump, "--dry-run").out
    assert user(office, "ben@example.org") is None
    office("import", "accounts", dump)
    ben = user(office, "ben@example.org")
    assert ben is not None
    assert (ben.password_hash, ben.enabled) == (SHA512, False)
    assert "added 0 accounts" in office("import", "accounts", dump).out


@pytest.mark.parametrize(
    ("octets", "what"),
    [
        (b"anna\n", "line 1: is not 'user:password:...'"),
        (b"ok:x\n\xff:x\n", "line 2: is not UTF-8"),
        (b"INSERT INTO u (user, password) VALUES ('a'\n", "line 1: a row of u is not whole"),
        (b"INSERT INTO u (a, b) VALUES ('a','b');\n", "no table with rows has a column"),
    ],
)
def test_damaged_files(office: Office, octets: bytes, what: str) -> None:
    path = office.folder / "users"
    path.write_bytes(octets)
    assert what in office("import", "accounts", path, status=1).err


def test_no_file(office: Office) -> None:
    done = office("import", "accounts", office.folder / "absent", status=1)
    assert "absent: no such file or directory" in done.err
