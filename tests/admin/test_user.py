"""`pop3gw user`."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.accounts.schemes import verify
from tests.admin.commands import Office, end, start


def stored(office: Office, address: str) -> tuple[str, str | None]:
    """Return hash and secret of an account, as the database has them."""
    with closing(sqlite3.connect(office.data / "accounts.sqlite")) as connection:
        row: tuple[str, str | None] = connection.execute(
            "SELECT password_hash, secret FROM users WHERE address = ?", (address,)
        ).fetchone()
    return row


def put_mail(office: Office, address: str, octets: bytes = b"Subject: x\n\nhello\n") -> Path:
    """Put a message into a user's Maildir as another program does; return the Maildir."""
    maildir = Path(office("user", "show", address, "--json").json["maildir"])
    for name in ("tmp", "new", "cur"):
        (maildir / name).mkdir(parents=True, exist_ok=True)
    (maildir / "new" / "1700000000.M1P1.elsewhere").write_bytes(octets)
    return maildir


class TestShow:
    def test_json_is_one_object(self, org: Office) -> None:
        shown = org.run("user", "show", "ANNA@example.org", "--json").json
        created = shown.pop("created")
        maildir = Path(shown.pop("maildir"))
        assert shown == {
            "address": "anna@example.org",
            "enabled": True,
            "messages": 0,
            "octets": 0,
            "quota_messages": None,
            "quota_octets": None,
            "login_delay_seconds": 0,
            "login_delay_hard": True,
            "expire_days": 0,
            "keep": False,
            "undelete_days": 0,
            "apop": False,
            "aliases": [],
            "app_passwords": [],
            "last_logins": [],
        }
        assert created.endswith("+00:00")
        assert maildir.is_absolute()
        assert office_holds(org, maildir)

    def test_messages_and_octets(self, org: Office) -> None:
        put_mail(org, "anna@example.org")
        shown = org("user", "show", "anna@example.org", "--json").json
        assert (shown["messages"], shown["octets"]) == (1, len("Subject: x\r\n\r\nhello\r\n"))

    def test_aliases_that_lead_here_through_others(self, org: Office) -> None:
        org("alias", "add", "info@example.org", "anna@example.org")
        org("alias", "add", "@example.org", "info@example.org")
        org("alias", "add", "b@example.org", "ben@example.org")
        shown = org("user", "show", "anna@example.org", "--json").json
        assert shown["aliases"] == ["@example.org", "info@example.org"]

    def test_text(self, org: Office) -> None:
        out = org("user", "show", "anna@example.org").out
        assert "Address:       anna@example.org\n" in out
        assert "May log in:    yes\n" in out

    def test_nobody(self, org: Office) -> None:
        done = org("user", "show", "carl@example.org", status=1)
        assert "no user carl@example.org" in done.err
        assert done.out == ""


def office_holds(office: Office, path: Path) -> bool:
    return path.is_relative_to(office.data)


class TestMailboxThatCannotBeRead:
    def test_the_others_are_shown_all_the_same(self, org: Office) -> None:
        maildir = put_mail(org, "anna@example.org")
        shutil.rmtree(maildir / "new")
        (maildir / "new").write_text("no folder")
        done = org.run("user", "list", "--json", status=1)
        assert [(user["address"], user["messages"]) for user in done.json] == [
            ("anna@example.org", None),
            ("ben@example.org", 0),
        ]
        assert str(maildir) in done.err
        assert str(maildir) in org("user", "show", "anna@example.org", status=1).err

    def test_it_keeps_nobody_from_being_added(self, org: Office) -> None:
        maildir = put_mail(org, "anna@example.org")
        org("user", "remove", "anna@example.org")
        shutil.rmtree(maildir / "new")
        (maildir / "new").write_text("no folder")
        done = org("user", "add", "anna@example.org", "--password-stdin", stdin="x\n")
        assert str(maildir) in done.err


class TestList:
    def test_json_is_an_array_sorted_by_address(self, org: Office) -> None:
        org("domain", "add", "b.example")
        org.add("zoe@b.example")
        users = org.run("user", "list", "--json").json
        assert [user["address"] for user in users] == [
            "zoe@b.example",
            "anna@example.org",
            "ben@example.org",
        ]
        assert all({"messages", "octets", "maildir"} <= user.keys() for user in users)

    def test_one_domain(self, org: Office) -> None:
        org("domain", "add", "b.example")
        org.add("zoe@b.example")
        assert [u["address"] for u in org("user", "list", "B.example", "--json").json] == [
            "zoe@b.example"
        ]

    def test_a_pipe_gets_lines(self, org: Office) -> None:
        assert org("user", "list").out.splitlines() == [
            "anna@example.org\t0\t0\tyes",
            "ben@example.org\t0\t0\tyes",
        ]

    def test_nobody_on_a_folder_that_is_not_there_yet(self, office: Office) -> None:
        assert office.run("user", "list", "--json").json == []

    def test_an_unknown_domain(self, org: Office) -> None:
        assert "not served" in org("user", "list", "b.example", status=1).err


class TestAdd:
    def test_the_password_is_the_line_with_its_spaces(self, office: Office) -> None:
        office("domain", "add", "example.org")
        office.run("user", "add", "a@example.org", "--password-stdin", stdin="  a b \nnot this\n")
        hash_, secret = stored(office, "a@example.org")
        assert verify("  a b ", hash_)
        assert not verify("a b", hash_)
        assert secret is None

    def test_a_line_may_lack_its_newline(self, org: Office) -> None:
        org("user", "add", "a@example.org", "--password-stdin", stdin="tést".encode())
        assert verify("tést", stored(org, "a@example.org")[0])

    def test_apop_keeps_the_secret_and_warns(self, org: Office) -> None:
        done = org("user", "add", "a@example.org", "--password-stdin", "--apop", stdin="tanstaaf\n")
        assert "warning" in done.err
        assert "in clear" in done.err
        assert "tanstaaf" not in done.err + done.out
        assert stored(org, "a@example.org")[1] == "tanstaaf"
        assert org("user", "show", "a@example.org", "--json").json["apop"] is True

    def test_without_apop_nothing_is_warned_of(self, org: Office) -> None:
        done = org("user", "add", "a@example.org", "--password-stdin", stdin="x\n")
        assert done.err == ""

    @pytest.mark.parametrize(
        ("octets", "why"),
        [
            (b"", "no password on standard input"),
            (b"\n", "empty"),
            (b"\xff\xfe\n", "UTF-8"),
            (b"secret\r\n", "carriage return"),
            (b"a\0b\n", "NUL"),
        ],
    )
    def test_a_password_that_cannot_be(self, org: Office, octets: bytes, why: str) -> None:
        done = org("user", "add", "a@example.org", "--password-stdin", stdin=octets, status=1)
        assert why in done.err
        assert len(org("user", "list", "--json").json) == 2

    def test_an_unknown_domain_is_refused(self, office: Office) -> None:
        done = office.run("user", "add", "a@b.example", "--password-stdin", stdin="x\n", status=1)
        assert "pop3gw domain add b.example" in done.err

    def test_refusals(self, org: Office) -> None:
        org("alias", "add", "info@example.org", "anna@example.org")
        for address, why in (
            ("Anna@Example.org", "already"),
            ("info@example.org", "alias"),
            ("nobody", "not an address"),
            ("a b@example.org", "not an address"),
        ):
            done = org("user", "add", address, "--password-stdin", stdin="x\n", status=1)
            assert why in done.err

    def test_wrong_usage(self, org: Office) -> None:
        org("user", "add", status=2)
        org("user", "add", "a@example.org", "--from", "users.csv", status=2)
        org("user", "add", "--from", "users.csv", "--apop", status=2)
        org("user", "add", "--from", "users.csv", "--password-stdin", status=2)
        assert "--password-stdin" in org("user", "add", "a@example.org", status=2).err

    def test_many_at_once_lose_nobody(self, office: Office) -> None:
        office("domain", "add", "example.org")
        added = [f"u{number}@example.org" for number in range(4)]
        processes = [
            start(["--data", office.data, "user", "add", name, "--password-stdin"], office.folder)
            for name in added
        ]
        assert [end(process, "secret\n").status for process in processes] == [0] * 4
        assert [user["address"] for user in office("user", "list", "--json").json] == added

    def test_two_on_a_new_folder_at_once(self, office: Office) -> None:
        names = [f"d{number}.example" for number in range(4)]
        processes = [
            start(["--data", office.data, "domain", "add", name], office.folder) for name in names
        ]
        assert [end(process).status for process in processes] == [0] * 4
        assert [item["domain"] for item in office("domain", "list", "--json").json] == names


class TestPasswd:
    def test_a_new_password(self, org: Office) -> None:
        org("user", "passwd", "Anna@example.org", "--password-stdin", stdin="new one\n")
        assert verify("new one", stored(org, "anna@example.org")[0])

    def test_a_kept_secret_follows_the_password(self, org: Office) -> None:
        org("user", "add", "a@example.org", "--password-stdin", "--apop", stdin="old\n")
        done = org("user", "passwd", "a@example.org", "--password-stdin", stdin="new\n")
        assert "in clear" in done.err
        assert stored(org, "a@example.org")[1] == "new"

    def test_a_secret_may_be_given_up_and_taken_up(self, org: Office) -> None:
        org("user", "passwd", "anna@example.org", "--password-stdin", "--apop", stdin="one\n")
        assert stored(org, "anna@example.org")[1] == "one"
        org("user", "passwd", "anna@example.org", "--password-stdin", "--no-apop", stdin="two\n")
        assert stored(org, "anna@example.org")[1] is None

    def test_nobody(self, org: Office) -> None:
        done = org("user", "passwd", "x@example.org", "--password-stdin", stdin="x\n", status=1)
        assert "no user x@example.org" in done.err


class TestSet:
    def test_settings(self, org: Office) -> None:
        assert "quota_octets is 2147483648" in (
            org("user", "set", "anna@example.org", "quota_octets", "2G").out
        )
        org("user", "set", "anna@example.org", "quota_messages", "100")
        org("user", "set", "anna@example.org", "enabled", "no")
        shown = org("user", "show", "anna@example.org", "--json").json
        assert (shown["quota_octets"], shown["quota_messages"], shown["enabled"]) == (
            2 << 30,
            100,
            False,
        )
        assert "none" in org("user", "set", "anna@example.org", "quota_octets", "none").out

    def test_refusals(self, org: Office) -> None:
        assert "enabled" in org("user", "set", "anna@example.org", "color", "red", status=1).err
        assert "yes or no" in (
            org("user", "set", "anna@example.org", "enabled", "perhaps", status=1).err
        )
        assert "no user" in org("user", "set", "x@example.org", "enabled", "no", status=1).err


class TestRemove:
    def test_the_mail_is_kept_and_found_again(self, org: Office) -> None:
        maildir = put_mail(org, "anna@example.org")
        done = org("user", "remove", "anna@example.org")
        assert str(maildir) in done.out
        assert [u["address"] for u in org("user", "list", "--json").json] == ["ben@example.org"]
        added = org("user", "add", "anna@example.org", "--password-stdin", stdin="x\n")
        assert "1 message" in added.out
        shown = org("user", "show", "anna@example.org", "--json").json
        assert (shown["messages"], shown["maildir"]) == (1, str(maildir))

    def test_purge_deletes_it(self, org: Office) -> None:
        maildir = put_mail(org, "anna@example.org")
        assert "1 message" in org("user", "remove", "--purge", "anna@example.org").out
        assert not maildir.exists()

    def test_purge_of_a_user_removed_before(self, org: Office) -> None:
        maildir = put_mail(org, "anna@example.org")
        org("user", "remove", "anna@example.org")
        org("user", "remove", "--purge", "Anna@example.org")
        assert not maildir.exists()
        done = org("user", "remove", "--purge", "anna@example.org", status=1)
        assert "no user anna@example.org" in done.err

    def test_purge_where_there_never_was_mail(self, org: Office) -> None:
        org("user", "remove", "--purge", "anna@example.org")

    def test_aliases_that_led_here_are_told(self, org: Office) -> None:
        org("alias", "add", "info@example.org", "anna@example.org", "ben@example.org")
        assert "info@example.org" in org("user", "remove", "anna@example.org").out
        assert org("alias", "list", "--json").json[0]["targets"] == ["ben@example.org"]

    def test_nobody(self, org: Office) -> None:
        assert "no user" in org("user", "remove", "x@example.org", status=1).err
