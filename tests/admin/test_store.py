"""`pop3gw store`, `export` and `import`."""

from __future__ import annotations

import mailbox
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.store import copying
from gateway.store.interfaces import MessageAttributes, StoreError
from gateway.store.offline import offline_store
from tests.admin.commands import Office
from tests.interop.gateway import Gateway

ANNA = "anna@example.org"
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


def store_mail(office: Office, messages: list[bytes], address: str = ANNA) -> None:
    with offline_store("sqlite", office.data) as store:
        for number, octets in enumerate(messages):
            attributes = MessageAttributes(smtputf8=number == 0)
            store.put(address, attributes, iter((octets[:90_000], octets[90_000:])))
        store.flush()


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
    def test_what_could_be_undeleted_stays_in_the_old_store(self, org: Office, kind: str) -> None:
        if kind == "maildir":
            org("store", "convert", "maildir")
        with offline_store(kind, org.data) as store, store.maildrop(ANNA) as held:
            assert store.wait(held.maildrop.set_aside([0], 4e9)) == []
        other = "maildir" if kind == "sqlite" else "sqlite"
        done = org("store", "convert", other)
        assert ", left behind: 1 message that could be undeleted;" in done.out
        assert len(mail_of(org)) == 2

    def test_deleted_meanwhile(self, org: Office) -> None:
        org("store", "convert", "maildir")
        with offline_store("maildir", org.data) as store:
            with store.maildrop(ANNA) as held:
                held.remove([0, 1])
            store.put(ANNA, MessageAttributes(), iter((b"Subject: new\r\n\r\n",)))
            store.flush()
        now = mail_of(org)
        assert (
            "2 messages of an earlier conversion removed" in org("store", "convert", "sqlite").out
        )
        assert alike(mail_of(org)) == alike(now)

    def test_goes_on_after_an_interruption(
        self, org: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = mail_of(org)
        copied: list[bytes] = []

        def blocks(held: object, index: int) -> Iterator[bytes]:
            if len(copied) == 2:
                raise StoreError("the disk went away")
            copied.append(b"")
            yield before[index][1]

        with monkeypatch.context() as patch:
            patch.setattr("gateway.store.offline.TOGETHER", 1)
            patch.setattr(copying.OfflineMaildrop, "blocks", blocks)
            assert "the disk went away" in org("store", "convert", "maildir", status=1).err
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
            assert [message["Subject"] for message in box] == ["1", "3", "large"]
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
