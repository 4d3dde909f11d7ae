"""`pop3gw backup` and `pop3gw restore`."""

from __future__ import annotations

import itertools
import math
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.store.offline import offline_store
from gateway.store.sqlite.backup import Backup
from gateway.store.sqlite.batch import BatchWriter
from gateway.store.sqlite.database import Database, connect
from gateway.store.sqlite.jobs import Removal
from gateway.store.sqlite.layout import Layout
from tests.admin.commands import Office
from tests.admin.test_store import (
    ANNA,
    DAY,
    LARGE,
    deleted_of,
    made_once,
    mail_of,
    org,
    put_aside,
    query,
    store_mail,
)
from tests.interop.gateway import Gateway
from tests.interop.mail import SAMPLES, mailbox, send

__all__ = ["made_once", "org"]

BEN = "ben@example.org"


def restored(org: Office, backup: Path, name: str = "restored") -> Office:
    """Restore into a folder of its own."""
    (org.folder / name).mkdir()
    office = Office(org.folder / name)
    office("restore", backup)
    return office


def remove(office: Office, address: str, *indexes: int) -> None:
    with offline_store("sqlite", office.data) as store, store.maildrop(address) as held:
        held.remove(list(indexes))


def files(folder: Path) -> set[str]:
    return {path.name for path in (folder / "sqlite" / "large").rglob("*") if path.is_file()}


def test_all_of_it(org: Office, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    assert org("backup", backup).out.startswith("copied 4 messages, ")
    assert org("backup", "verify", backup).out == "ok: 4 messages\n"
    office = restored(org, backup)
    for address in (ANNA, BEN):
        assert mail_of(office, address) == mail_of(org, address)
    assert office("user", "list", "--json").json == org("user", "list", "--json").json
    office("store", "check")


def test_a_later_run_copies_what_is_new_or_changed(org: Office, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    org("backup", backup)
    assert org("backup", backup).out == "copied 0 messages, 0 octets, in 0 mailboxes that changed\n"
    store_mail(org, [b"new\r\n", LARGE])
    remove(org, ANNA, 0, 1)
    done = org("backup", backup)
    assert done.out == f"copied 2 messages, {5 + len(LARGE)} octets, in 1 mailbox that changed\n"
    assert files(backup) == files(org.data)
    org("backup", "verify", backup)
    assert mail_of(restored(org, backup)) == mail_of(org)


def test_deleted_bodies_that_still_take_room_are_left_out(org: Office, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    store_mail(org, [b"%d\r\n" % number for number in range(400)])
    org("backup", backup)
    store_mail(org, [b"%d\r\n" % number for number in range(400, 700)])
    count = len(mail_of(org, ANNA))
    messages = query(
        org,
        "SELECT place, number FROM messages JOIN mailboxes ON mailbox = id"
        f" WHERE address = '{ANNA}' ORDER BY place, number",
    )
    database = Database(Layout(org.data / "sqlite"))
    (mailbox_row,) = query(org, f"SELECT id FROM mailboxes WHERE address = '{ANNA}'")
    BatchWriter(database).write([Removal(mailbox_row[0], count, lambda: [messages])])
    database.close()
    dead = query(org, "SELECT count(*) FROM bodies WHERE copies <= 0")
    assert dead[0][0] > 600
    assert org("backup", backup).out.startswith("copied 0 messages, ")
    with closing(sqlite3.connect(backup / "sqlite" / "mail.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM bodies WHERE copies <= 0").fetchone() == (
            0,
        )
        bodies, contents = (
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("bodies", "contents")
        )
    assert bodies < 10
    assert contents <= bodies
    org("backup", "verify", backup)
    assert mail_of(restored(org, backup), ANNA) == []


def test_what_can_be_undeleted(org: Office, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    before = mail_of(org)
    put_aside(org, {1: math.inf})
    org("backup", backup)
    put_aside(org, {0: 4e9})
    assert org("backup", backup).out.startswith("copied 0 messages, ")
    assert org("backup", "verify", backup).out == "ok: 4 messages\n"
    assert org("store", "check").out == "ok: 4 messages\n"
    office = restored(org, backup)
    assert deleted_of(office) == deleted_of(org)
    assert [message.until for message in deleted_of(office)] == [
        math.ceil(4e9 / DAY) * DAY,
        math.inf,
    ]
    office("store", "check")
    for uidl, _, _ in before[:2]:
        office("message", "undelete", ANNA, uidl)
    assert mail_of(office) == before
    assert len(mail_of(org)) == 1


def test_damage_of_what_can_be_undeleted_is_told(org: Office, tmp_path: Path) -> None:
    put_aside(org, {0: 4e9})
    org("backup", tmp_path / "backup")
    query(org, "UPDATE contents SET content = zeroblob(25) WHERE number = 1")
    told = f"message 1 of {ANNA} (deleted, can be undeleted): its body was changed"
    assert told in org("store", "check", status=1).err
    org("backup", "verify", tmp_path / "backup")


def test_a_message_of_several_users(org: Office, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    store_mail(org, [b"to both\r\n"], ANNA, BEN)
    org("backup", backup)
    remove(org, ANNA, 3)
    org("backup", backup)
    org("backup", "verify", backup)
    office = restored(org, backup)
    assert mail_of(office, BEN) == mail_of(org, BEN)
    remove(org, BEN, 1)
    org("backup", backup)
    org("backup", "verify", backup)
    assert query(org, "SELECT count(*) FROM bodies") == [(4,)]


def test_no_unique_id_is_given_twice(org: Office, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    org("backup", backup)
    before = {uidl for uidl, _, _ in mail_of(org)}
    store_mail(org, [b"lost\r\n"] * 3)
    lost = {uidl for uidl, _, _ in mail_of(org)} - before
    for name in ("first", "second"):
        office = restored(org, backup, name)
        store_mail(office, [b"new\r\n"] * 5)
        new = {uidl for uidl, _, _ in mail_of(office)} - before
        assert len(new) == 5
        assert not new & lost
        lost |= new


def test_stores_that_parted_do_not_share_a_backup(org: Office, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    org("backup", backup)
    office = restored(org, backup)
    store_mail(office, [b"new\r\n"] * 5)
    office("backup", backup)
    assert mail_of(restored(org, backup, "second")) == mail_of(office)
    org("backup", tmp_path / "own")
    other = restored(org, tmp_path / "own", "third")
    remove(org, ANNA, 0)
    org("backup", tmp_path / "own")
    for address in (ANNA, BEN):
        store_mail(other, [b"new\r\n"] * 5, address)
    assert "a later state of this store" in other("backup", tmp_path / "own", status=1).err
    assert "another store" in org("backup", backup, status=1).err


def test_damage_is_found(org: Office, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    org("backup", backup)
    (file,) = (backup / "sqlite" / "large").glob("*/*")
    file.write_bytes(file.read_bytes()[:-3] + b"x\r\n")
    done = org("backup", "verify", backup, status=1)
    assert f"message 2 of {ANNA}: its body was changed" in done.err


@pytest.mark.parametrize("words", [(), ("verify",) * 3, ("a", "b")])
def test_wrong_usage(org: Office, words: tuple[str, ...]) -> None:
    org("backup", *words, status=2)


def test_what_is_refused(org: Office, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("precious")
    assert "is not empty, and no backup" in org("backup", tmp_path / "full", status=1).err
    assert "in one another" in org("backup", org.data / "backup", status=1).err
    assert "is no backup" in org("backup", "verify", tmp_path / "full", status=1).err
    assert "is no backup" in org("restore", tmp_path / "full", status=1).err
    org("backup", tmp_path / "backup")
    assert "is not empty" in org("restore", tmp_path / "backup", status=1).err
    assert len(mail_of(org)) == 3


def test_a_first_run_that_was_broken_off(org: Office, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    (large,) = (org.data / "sqlite" / "large").glob("*/*")
    away = tmp_path / "away"
    shutil.move(large, away)
    assert "no such file" in org("backup", backup, status=1).err
    assert "is no backup" in org("restore", backup, status=1).err
    shutil.move(away, large)
    assert org("backup", backup).out.startswith("copied 4 messages")
    org("backup", "verify", backup)


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_later_run_that_was_broken_off(
    org: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """The backup is as it was before, and a restored store goes on as if nothing had been."""
    backup = tmp_path / "backup"
    org("backup", backup)
    before = mail_of(org)
    store_mail(org, [b"one\r\n", LARGE, b"three\r\n"])
    with monkeypatch.context() as patch:
        patch.setattr("gateway.store.sqlite.backup._BODIES_AT_ONCE", 1)
        patch.setattr(Backup, "_copy_bodies", breaking_off(Backup._copy_bodies, after))
        assert "broken off" in org("backup", backup, status=1).err
    assert org("backup", "verify", backup).out == "ok: 4 messages\n"
    office = restored(org, backup)
    assert mail_of(office) == before
    named = {name for (name,) in query(office, "SELECT name FROM files")}
    assert files(office.data) == named
    store_mail(office, [b"other\r\n", LARGE])
    office("store", "check")
    assert org("backup", backup).out.startswith("copied 3 messages")
    org("backup", "verify", backup)
    assert mail_of(restored(org, backup, "again")) == mail_of(org)


def test_the_log_of_the_store_is_used_again_meanwhile(
    org: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.sqlite.backup._BODIES_AT_ONCE", 1)
    source, target = Layout(org.data / "sqlite"), Layout(tmp_path / "copy")
    states: list[tuple[int, int]] = []
    with closing(connect(source)) as connection:

        def write_and_make_a_checkpoint() -> None:
            connection.execute("UPDATE store SET last_place = last_place + 1")
            query = "PRAGMA wal_checkpoint(PASSIVE)"
            _, in_log, brought_over = connection.execute(query).fetchone()
            states.append((in_log, brought_over))

        with Backup(source, target).opened() as backup:
            backup.run(write_and_make_a_checkpoint)
    assert len(states) == 4
    first, last = states[0], states[-1]
    assert last[1] >= first[0] or last[0] < first[0]


def breaking_off(copy: Callable[..., int], after: int) -> Callable[..., int]:
    """Make a function that does what `copy` does, and fails when it is called once too often."""
    calls = itertools.count()

    def copy_or_fail(*arguments: Any) -> int:
        if next(calls) == after:
            raise OSError(5, "broken off")
        return copy(*arguments)

    return copy_or_fail


def test_while_mail_flows(org: Office, tmp_path: Path) -> None:
    """Each copy is of one instant: what it holds is whole, and a prefix of what was stored."""
    done = threading.Event()

    def load() -> None:
        while not done.is_set():
            store_mail(org, [b"small\r\n", LARGE])
            remove(org, ANNA, 0, 1)

    loader = threading.Thread(target=load)
    loader.start()
    try:
        for _ in range(6):
            org.run("backup", tmp_path / "backup")
            org("backup", "verify", tmp_path / "backup")
    finally:
        done.set()
        loader.join(timeout=30)
    assert 3 <= len(mail_of(restored(org, tmp_path / "backup"))) <= 5
    org("store", "check")


def test_a_client_downloads_nothing_twice(tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    (tmp_path / "one").mkdir()
    with Gateway(tmp_path / "one", store="sqlite") as gateway:
        (account,) = gateway.add_accounts(1)
        send(gateway, [account.address], SAMPLES["plain"])
        with mailbox(gateway, account) as client:
            before = client.uidl()[1]
        gateway.admin("backup", str(backup))
        send(gateway, [account.address], SAMPLES["plain"])
        with mailbox(gateway, account) as client:
            lost = client.uidl()[1][1].split()[1]
    (tmp_path / "two").mkdir()
    other = Gateway(tmp_path / "two")
    other.admin("restore", str(backup))
    with other:
        with mailbox(other, account) as client:
            assert client.uidl()[1] == before
        send(other, [account.address], SAMPLES["eight-bit"])
        with mailbox(other, account) as client:
            assert client.uidl()[1][0] == before[0]
            assert client.uidl()[1][1].split()[1] != lost
    assert other.data.stat().st_mode & 0o077 == 0
