"""`pop3gw store`, `export` and `import`."""

from __future__ import annotations

import mailbox
import math
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.datafolder import DataFolder
from gateway.store.interfaces import DeletedMessage, MessageAttributes, StoreError
from gateway.store.kinds import open_administration
from gateway.store.maildir.moving import MaildirEnd
from gateway.store.offline import offline_store
from gateway.store.sqlite.moving import SQLiteEnd
from tests.admin.commands import Office
from tests.interop.gateway import Gateway
from tests.store.offline import put

ANNA = "anna@example.org"
DAY = 86_400
LARGE = b"Subject: large\r\n\r\n" + b"0123456789abcd\r\n" * 12_500

Message = tuple[str, bytes, MessageAttributes]


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the store kind sqlite, two users, and mail of both."""
    office = Office(tmp_path_factory.mktemp("made-once"))
    office("--store", "sqlite", "domain", "add", "example.org")
    office.add(ANNA)
    office.add("ben@example.org")
    store_mail(office, [b"Subject: 1\r\n\r\nFrom here\r\n", LARGE, b"Subject: 3\r\n\r\n.\r\n"])
    store_mail(office, [b"Subject: for ben\r\n\r\n"], "ben@example.org")
    return office.data


@pytest.fixture
def org(office: Office, made_once: Path) -> Office:
    """A copy of that folder, of one's own."""
    shutil.copytree(made_once, office.data)
    return office


def kind_of(office: Office) -> str:
    kind: str = office("store", "info", "--json").json["kind"]
    return kind


def store_mail(office: Office, messages: list[bytes], *addresses: str) -> None:
    """Store messages, each of them for all of `addresses`: for Anna by default."""
    with offline_store("sqlite", office.data) as store:
        for number, octets in enumerate(messages):
            attributes = MessageAttributes(smtputf8=number == 0)
            put(store, addresses or (ANNA,), (octets[:90_000], octets[90_000:]), attributes)


def begin_with(office: Office, kind: str) -> None:
    """Have a store of that kind, and no other."""
    if kind == "maildir":
        office("store", "convert", "maildir")
        office("store", "convert", "maildir", "--remove-old")


def put_aside(office: Office, deleted: dict[int, float]) -> None:
    """Delete messages of Anna's so that they can be undeleted, until a time for each."""
    with offline_store(kind_of(office), office.data) as store:
        for number, (index, until) in enumerate(sorted(deleted.items())):
            with store.maildrop(ANNA) as held:
                assert store.wait(held.maildrop.set_aside([index - number], until)) == []


def keeping(office: Office) -> Any:
    """The `IKeepingAdministration` of the mail."""
    return open_administration(kind_of(office), office.data)


def deleted_of(office: Office) -> list[DeletedMessage]:
    deleted: list[DeletedMessage] = keeping(office).deleted(ANNA)
    return deleted


def interrupt(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Let the next conversion end when so many messages are stored, each by itself."""
    for end in (MaildirEnd, SQLiteEnd):
        put = end.put
        stored: list[str] = []

        def put_some(
            self: Any, mailbox: str, message: Any, read: Any, put: Any = put, stored: Any = stored
        ) -> None:
            if len(stored) == most:
                raise StoreError("the disk went away")
            stored.append(mailbox)
            put(self, mailbox, message, read)
            self.flush()

        monkeypatch.setattr(end, "put", put_some)


def mail_of(office: Office, address: str = ANNA) -> list[Message]:
    with offline_store(kind_of(office), office.data) as store, store.maildrop(address) as held:
        return [
            (uidl, b"".join(held.blocks(index)), held.maildrop.attributes(index))
            for index, uidl in enumerate(held.maildrop.snapshot.uidls)
        ]


def alike(messages: list[Message]) -> list[tuple[str, bytes, bool, int]]:
    """What every store keeps of messages."""
    return [
        (uidl, octets, attributes.smtputf8, round(attributes.arrived * 1000))
        for uidl, octets, attributes in messages
    ]


def query(office: Office, statement: str) -> list[tuple[object, ...]]:
    database = office.data / "sqlite" / "mail.sqlite"
    with closing(sqlite3.connect(database)) as connection, connection:
        return connection.execute(statement).fetchall()


class TestInfo:
    def test_users_and_room(self, org: Office) -> None:
        done = org("store", "info", "--json").json
        assert done["mailboxes"][0] == {
            "address": ANNA,
            "messages": 3,
            "octets": sum(len(octets) for _, octets, _ in mail_of(org)),
        }
        assert done["kind"] == "sqlite"
        assert done["large_octets"] == len(LARGE)
        assert done["database_octets"] > 50_000
        assert f"{ANNA}\t3\t" in org("store", "info").out

    def test_a_user_has_no_folder(self, org: Office) -> None:
        shown = org("user", "show", ANNA, "--json").json
        assert shown["messages"] == 3
        assert not {"maildir", "sqlite"} & shown.keys()

    def test_maildirs(self, office: Office) -> None:
        office("--store", "maildir", "domain", "add", "example.org")
        assert office("store", "info", "--json").json == {"kind": "maildir", "mailboxes": []}
        assert "sqlite" in office("store", "check", status=1).err

    def test_nothing_yet(self, office: Office) -> None:
        office("--store", "sqlite", "domain", "add", "example.org")
        for command in ("info", "check", "compact"):
            office("store", command)
        assert not (office.data / "sqlite").exists()


class TestCheck:
    def test_all_is_well(self, org: Office) -> None:
        assert org("store", "check").out == "ok: 4 messages\n"

    @pytest.mark.parametrize(
        ("damage", "told"),
        [
            ("UPDATE mailboxes SET messages = 7", "2 mailboxes whose counts were wrong"),
            ("UPDATE bodies SET copies = 5 WHERE number = 1", "1 bodies whose number of copies"),
            (
                "UPDATE messages SET octets = 1 WHERE number = 2",
                "1 messages with a wrong number",
            ),
            ("DELETE FROM mailboxes WHERE id = 1", "3 messages whose mailbox is missing"),
            ("INSERT INTO contents VALUES (99, x'00')", "1 contents without a body"),
            ("INSERT INTO files VALUES (99, 'abc')", "1 names of files without a body"),
            (
                "DELETE FROM messages WHERE number = 1;",
                "1 bodies whose number of copies was wrong",
            ),
        ],
    )
    def test_what_can_be_mended(self, org: Office, damage: str, told: str) -> None:
        query(org, damage)
        found = org("store", "check", status=1)
        assert f"WRONG  {told}" in found.err
        assert "'pop3gw store check --repair'" in found.err
        assert f"mended  {told}" in org("store", "check", "--repair").err
        assert org("store", "check").out.startswith("ok: ")

    @pytest.mark.parametrize(
        ("damage", "told"),
        [
            ("DELETE FROM contents WHERE number = 1", f"message 1 of {ANNA}: its body is missing"),
            ("DELETE FROM bodies WHERE number = 1", f"message 1 of {ANNA}: its body is missing"),
            (
                "UPDATE contents SET content = x'61' WHERE number = 1",
                f"message 1 of {ANNA}: its body has 1 octets, not 25",
            ),
            (
                "UPDATE contents SET content = zeroblob(25) WHERE number = 1",
                f"message 1 of {ANNA}: its body was changed",
            ),
        ],
    )
    def test_what_cannot(self, org: Office, damage: str, told: str) -> None:
        query(org, damage)
        done = org("store", "check", "--repair", status=1)
        assert f"WRONG  {told}" in done.err
        assert "docs/stores.md" in done.err

    def test_large_bodies(self, org: Office) -> None:
        (file,) = (org.data / "sqlite" / "large").glob("*/*")
        octets = file.read_bytes()
        file.write_bytes(octets[:-1] + b"x")
        assert "the digest differs" in org("store", "check", status=1).err
        file.unlink()
        assert "cannot be read" in org("store", "check", status=1).err

    def test_orphans(self, org: Office) -> None:
        import os

        orphan = org.data / "sqlite" / "large" / "ab" / "abc"
        orphan.parent.mkdir(exist_ok=True)
        orphan.write_bytes(b"nobody's")
        org("store", "check")
        os.utime(orphan, (1.0, 1.0))
        assert "belongs to no message" in org("store", "check", status=1).err
        org("store", "check", "--repair")
        assert not orphan.exists()

    def test_damaged_database(self, org: Office) -> None:
        with (org.data / "sqlite" / "mail.sqlite").open("r+b") as file:
            file.seek(8192)
            file.write(b"\xff" * 100_000)
        assert "the database is damaged" in org("store", "check", status=1).err

    def test_missing_database(self, org: Office) -> None:
        (org.data / "sqlite" / "mail.sqlite").unlink()
        assert "is missing" in org("store", "check", status=1).err
        assert "is missing" in org("user", "show", ANNA, status=1).err


class TestCompact:
    def test_room_is_given_back(self, org: Office) -> None:
        store_mail(org, [b"x" * 50_000 + b"\r\n"] * 100)
        before = org("store", "info", "--json").json["database_octets"]
        with offline_store("sqlite", org.data) as store, store.maildrop(ANNA) as held:
            held.remove(list(range(3, 103)))
        assert "'pop3gw store compact'" in org("store", "info").err
        assert org("store", "compact").out.startswith("gave back ")
        after = org("store", "info", "--json").json
        assert after["database_octets"] < before / 10
        assert after["dead_octets"] == 0
        assert len(mail_of(org)) == 3


class TestConvert:
    def test_there_and_back(self, org: Office) -> None:
        anna, ben = mail_of(org), mail_of(org, "ben@example.org")
        assert (
            "'pop3gw store convert maildir --remove-old'" in org("store", "convert", "maildir").out
        )
        assert kind_of(org) == "maildir"
        assert alike(mail_of(org)) == alike(anna)
        assert alike(mail_of(org, "ben@example.org")) == alike(ben)
        assert (org.data / "sqlite" / "mail.sqlite").exists()

        org("store", "convert", "maildir", "--remove-old")
        assert not (org.data / "sqlite").exists()
        org("store", "convert", "sqlite")
        assert kind_of(org) == "sqlite"
        assert alike(mail_of(org)) == alike(anna)
        org("store", "convert", "sqlite", "--remove-old")
        assert list((org.data / "mail").iterdir()) == []
        store_mail(org, [b"new\r\n"])
        assert len({uidl for uidl, _, _ in mail_of(org)}) == 4

    @pytest.mark.parametrize("kind", ["sqlite", "maildir"])
    def test_what_can_be_undeleted_comes_along(self, org: Office, kind: str) -> None:
        begin_with(org, kind)
        before = mail_of(org)
        put_aside(org, {0: 4e9, 1: math.inf})
        deleted = deleted_of(org)
        assert len(deleted) == 2
        other = "maildir" if kind == "sqlite" else "sqlite"
        done = org("store", "convert", other)
        assert done.out.startswith("2 messages in 2 mailboxes are kept as ")
        assert ", with 2 messages that can be undeleted;" in done.out
        assert alike(mail_of(org)) == alike(before[2:])
        assert [message.until for message in deleted_of(org)] == [
            math.ceil(4e9 / DAY) * DAY if other == "sqlite" else deleted[0].until,
            math.inf,
        ]
        assert [replace(message, until=0.0) for message in deleted_of(org)] == [
            replace(message, until=0.0) for message in deleted
        ]
        org("store", "convert", other, "--remove-old")

        # And back: no later than it was, and as it was.
        deleted = deleted_of(org)
        org("store", "convert", kind)
        assert deleted_of(org) == deleted
        keeping(org).undelete(ANNA, [uidl for uidl, _, _ in before])
        assert alike(mail_of(org)) == alike(before)

    @pytest.mark.parametrize("kind", ["sqlite", "maildir"])
    def test_goes_on_after_an_interruption_with_what_was_deleted(
        self, org: Office, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begin_with(org, kind)
        put_aside(org, {0: 4e9, 1: math.inf})
        shown, deleted = mail_of(org), deleted_of(org)
        other = "maildir" if kind == "sqlite" else "sqlite"
        for _ in range(3):
            interrupt(monkeypatch, 1)
            assert "the disk went away" in org("store", "convert", other, status=1).err
            monkeypatch.undo()
        done = org("store", "convert", other)
        assert ", with 2 messages that can be undeleted;" in done.out
        assert "of an earlier conversion removed" not in done.out
        assert alike(mail_of(org)) == alike(shown)
        assert [message.uidl for message in deleted_of(org)] == [one.uidl for one in deleted]

    def test_deleted_files_of_other_programs_and_of_one_unique_id(self, org: Office) -> None:
        begin_with(org, "maildir")
        foreign = org.data / "mail" / "example.org" / "anna" / "new" / "2000000000.M1P1.elsewhere"
        foreign.write_bytes(b"Subject: of another\n\nHello\n")
        put_aside(org, {3: math.inf})
        given = MessageAttributes(arrived=1e9, uidl="given")
        for text in (b"first\r\n", b"second\r\n"):
            with offline_store("maildir", org.data) as store:
                put(store, (ANNA,), (text,), given)
            put_aside(org, {0: 4e9})
        for _ in range(2):
            done = org("store", "convert", "sqlite")
            assert ", with 3 messages that can be undeleted" in done.out
            uidls = [message.uidl for message in deleted_of(org)]
            assert foreign.name in uidls
            assert len({*uidls, "given"}) == 3
            org("store", "check")
            keeping(org).undelete(ANNA, uidls)
            octets = {octets for _, octets, _ in mail_of(org)}
            assert {b"first\r\n", b"second\r\n"} < octets
            assert b"Subject: of another\r\n\r\nHello\r\n" in octets
            DataFolder(org.data).set_store_kind("maildir")  # as if it had been broken off

    def test_what_was_undeleted_meanwhile(self, org: Office) -> None:
        before = mail_of(org)
        put_aside(org, {0: 4e9, 1: 4e9})
        org("store", "convert", "maildir")
        uidls = [uidl for uidl, _, _ in before]
        org("store", "convert", "sqlite")
        keeping(org).undelete(ANNA, uidls[:1])
        keeping(org).remove_overdue(ANNA, 5e9, 10)
        done = org("store", "convert", "maildir")
        assert "2 messages of an earlier conversion removed" in done.out
        assert alike(mail_of(org)) == alike([before[0], before[2]])
        assert deleted_of(org) == []

    def test_a_body_of_several_mailboxes_stays_one(self, org: Office) -> None:
        """There and back: it is one row and one file, with a hard link in each mailbox."""
        ben = "ben@example.org"
        store_mail(org, [b"Subject: to both\r\n\r\n", LARGE], ANNA, ben)
        put_aside(org, {4: 4e9})
        before = alike(mail_of(org)), alike(mail_of(org, ben)), deleted_of(org)
        shared = "SELECT count(*) FROM bodies WHERE copies = 2"
        bodies = "SELECT count(*) FROM bodies"
        assert query(org, shared) == [(2,)]
        ((count,),) = query(org, bodies)

        org("store", "convert", "maildir")
        files = [path for path in (org.data / "mail").rglob("*,S=*") if path.is_file()]
        assert len(files) == count + 2  # type: ignore[operator]
        inodes = {path.stat().st_ino for path in files}
        assert len(inodes) == count
        org("store", "convert", "maildir", "--remove-old")

        org("store", "convert", "sqlite")
        assert query(org, bodies) == [(count,)]
        assert query(org, shared) == [(2,)]
        assert len(list((org.data / "sqlite" / "large").glob("*/*"))) == 2
        assert org("store", "check").out.startswith("ok: ")
        after = alike(mail_of(org)), alike(mail_of(org, ben)), deleted_of(org)
        assert after[:2] == before[:2]
        assert [message.uidl for message in after[2]] == [message.uidl for message in before[2]]

    @pytest.mark.parametrize("kind", ["sqlite", "maildir"])
    def test_a_shared_body_stays_one_after_an_interruption(
        self, org: Office, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store_mail(org, [b"Subject: to both\r\n\r\n"], ANNA, "ben@example.org")
        begin_with(org, kind)
        other = "maildir" if kind == "sqlite" else "sqlite"
        interrupt(monkeypatch, 4)  # all of Anna's
        assert "the disk went away" in org("store", "convert", other, status=1).err
        monkeypatch.undo()
        org("store", "convert", other)
        if other == "sqlite":
            assert query(org, "SELECT count(*) FROM bodies WHERE copies = 2") == [(1,)]
        else:
            files = (org.data / "mail").rglob("*,S=*")
            assert sum(path.stat().st_nlink == 2 for path in files) == 2

    def test_deleted_meanwhile(self, org: Office) -> None:
        org("store", "convert", "maildir")
        with offline_store("maildir", org.data) as store:
            with store.maildrop(ANNA) as held:
                held.remove([0, 1])
            put(store, (ANNA,), (b"Subject: new\r\n\r\n",))
        now = mail_of(org)
        assert (
            "2 messages of an earlier conversion removed" in org("store", "convert", "sqlite").out
        )
        assert alike(mail_of(org)) == alike(now)

    def test_goes_on_after_an_interruption(
        self, org: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = mail_of(org)
        interrupt(monkeypatch, 2)
        assert "the disk went away" in org("store", "convert", "maildir", status=1).err
        monkeypatch.undo()
        assert kind_of(org) == "sqlite"
        org("store", "convert", "maildir")
        assert alike(mail_of(org)) == alike(before)

    def test_the_wrong_kind(self, org: Office) -> None:
        assert "as sqlite already" in org("store", "convert", "sqlite", status=1).err
        done = org("store", "convert", "maildir", "--remove-old", status=1)
        assert "first 'pop3gw store convert maildir'" in done.err
        assert len(mail_of(org)) == 3

    def test_while_a_gateway_runs(self, tmp_path: Path) -> None:
        with Gateway(tmp_path, store="sqlite") as gateway:
            done = gateway.admin("store", "convert", "maildir", status=1)
            assert b"a gateway runs on this folder" in done.stderr


class TestExportAndImport:
    def test_mbox(self, org: Office, tmp_path: Path) -> None:
        path = tmp_path / "anna.mbox"
        assert org("export", ANNA, "mbox", path).out == f"wrote 3 messages to {path}\n"
        assert b"\n>From here\n" in path.read_bytes()
        with closing(mailbox.mbox(path)) as box:
            assert [message["Subject"] for message in box] == ["1", "large", "3"]
        assert "exists already" in org("export", ANNA, "mbox", path, status=1).err

    def test_maildir_and_back(self, org: Office, tmp_path: Path) -> None:
        path = tmp_path / "anna"
        before = mail_of(org)
        org("export", ANNA, "maildir", path)
        with closing(mailbox.Maildir(path)) as box:
            assert sorted(message["Subject"] for message in box) == ["1", "3", "large"]
        again = org("import", "maildir", path, ANNA)
        assert "3  here already: left alone" in again.out
        org("user", "remove", "--purge", ANNA)
        org.add(ANNA)
        org("import", "maildir", path, ANNA)
        assert alike(mail_of(org)) == alike(before)

    def test_into_another_office(self, org: Office, tmp_path: Path) -> None:
        org("export", ANNA, "maildir", tmp_path / "anna")
        (tmp_path / "other").mkdir()
        other = Office(tmp_path / "other")
        other("--store", "maildir", "domain", "add", "example.org")
        other.add(ANNA)
        other("import", "maildir", tmp_path / "anna", ANNA)
        assert alike(mail_of(other)) == alike(mail_of(org))

    def test_what_is_refused(self, org: Office, tmp_path: Path) -> None:
        assert "is not a Maildir" in org("import", "maildir", tmp_path, ANNA, status=1).err
        for name in ("cur", "new"):
            (tmp_path / "m" / name).mkdir(parents=True)
        done = org("import", "maildir", tmp_path / "m", "nobody@example.org", status=1)
        assert "there is no user" in done.err
        done = org("export", "nobody@example.org", "mbox", tmp_path / "x", status=1)
        assert "there is no user" in done.err
        assert not (tmp_path / "x").exists()
        shutil.rmtree(tmp_path / "m")
