"""What the SQLite store says when its disk or its files are not what they should be."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.store.interfaces import StorageFull, StoreError
from gateway.store.sqlite import migration, schema
from gateway.store.sqlite.migration import NewerVersion
from tests.store.conformance import ANNA, contents, deliver, opened, result, uidls
from tests.store.sqlite_place import SQLitePlace
from tests.store.test_maildir_delivery import mounted

LARGE = b"0123456789abcd\r\n" * 12_500


@pytest.fixture
def place(tmp_path: Path) -> Iterator[SQLitePlace]:
    with closing(SQLitePlace(tmp_path)) as place:
        deliver(place.store, b"first\r\n")
        deliver(place.store, LARGE)
        yield place


def close(place: SQLitePlace) -> None:
    place.close()
    place.stores.clear()


def assert_refuses(place: SQLitePlace, why: str) -> None:
    """Nothing can be fetched and nothing stored, and the reason is told at the start."""
    place.told.clear()
    place.store = place.another()
    assert why in place.told[0].what
    with pytest.raises(StoreError, match=why):
        opened(place.store)
    with pytest.raises(StoreError, match=why):
        deliver(place.store, b"new\r\n")
    with pytest.raises(StoreError, match=why):
        deliver(place.store, LARGE)


class TestDatabase:
    def test_missing(self, place: SQLitePlace) -> None:
        close(place)
        away = place.layout.folder / "away"
        place.layout.database.rename(away)
        assert_refuses(place, "is missing")
        with pytest.raises(StoreError, match="is missing"):
            place.administration.usage(ANNA)
        away.rename(place.layout.database)
        assert contents(place.store) == [b"first\r\n", LARGE]

    def test_empty(self, place: SQLitePlace) -> None:
        close(place)
        place.layout.database.write_bytes(b"")
        assert_refuses(place, "is empty")

    def test_not_a_database(self, place: SQLitePlace) -> None:
        close(place)
        place.layout.database.write_bytes(b"nonsense" * 10_000)
        assert_refuses(place, "store check")

    def test_another_database(self, place: SQLitePlace) -> None:
        close(place)
        place.layout.database.unlink()
        with closing(sqlite3.connect(place.layout.database)) as connection:
            connection.execute("CREATE TABLE a (b)")
        assert_refuses(place, "is not the mail store of a pop3gw")

    def test_torn_pages(self, place: SQLitePlace) -> None:
        for _ in range(50):
            deliver(place.store, b"x" * 5000 + b"\r\n")
        close(place)
        size = place.layout.database.stat().st_size
        with place.layout.database.open("r+b") as file:
            file.seek(schema.PAGE_OCTETS)
            file.write(b"\xff" * (size - schema.PAGE_OCTETS))
        place.store = place.another()
        with pytest.raises(StoreError, match="store check"):
            opened(place.store)

    def test_a_list_that_lacks_messages(self, place: SQLitePlace) -> None:
        place.query("DELETE FROM messages")
        with pytest.raises(StoreError, match="has 0 of its 2 messages"):
            opened(place.store)


class TestBodies:
    @pytest.mark.parametrize(
        ("statement", "index", "why"),
        [
            ("DELETE FROM contents", 0, "is missing"),
            ("DELETE FROM files", 1, "is missing"),
            ("UPDATE contents SET content = x'6162'", 0, "has 2 octets, not 7"),
        ],
    )
    def test_rows(self, place: SQLitePlace, statement: str, index: int, why: str) -> None:
        maildrop = opened(place.store)
        place.query(statement)
        with pytest.raises(StoreError, match=why):
            result(maildrop.open_message(index))
        assert len(result(maildrop.open_message(1 - index)).read()) > 0

    def test_missing_file(self, place: SQLitePlace) -> None:
        place.files()[0].unlink()
        with pytest.raises(StoreError, match="body of a message is missing"):
            result(opened(place.store).open_message(1))

    def test_cut_file(self, place: SQLitePlace) -> None:
        place.files()[0].write_bytes(LARGE[:-1])
        with pytest.raises(StoreError, match="has 199999 octets, not 200000"):
            result(opened(place.store).open_message(1))

    def test_file_cut_while_it_is_read(self, place: SQLitePlace) -> None:
        reader = result(opened(place.store).open_message(1))
        reader.read()
        place.files()[0].write_bytes(b"")
        with pytest.raises(StoreError, match="lacks 134464 octets"):
            reader.read()


class TestDisk:
    def test_full(self, tmp_path: Path) -> None:
        folder = tmp_path / "sqlite"
        folder.mkdir()
        with mounted(folder, "1m"), closing(SQLitePlace(tmp_path)) as place:
            deliver(place.store, b"before\r\n")
            with pytest.raises(StorageFull):
                deliver(place.store, b"x" * 2_000_000)
            ballast = folder / "ballast"
            with pytest.raises(OSError, match="No space"), ballast.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            with pytest.raises(StorageFull):
                for _ in range(5):
                    deliver(place.store, b"x" * 60_000)
            assert contents(place.store)[0] == b"before\r\n"
            ballast.unlink()
            deliver(place.store, b"after\r\n")
            assert contents(place.store)[-1] == b"after\r\n"

    def test_read_only(self, tmp_path: Path) -> None:
        folder = tmp_path / "sqlite"
        folder.mkdir()
        with mounted(folder, "4m"), closing(SQLitePlace(tmp_path)) as place:
            deliver(place.store, b"before\r\n")
            remount = ["mount", "-o", "remount,ro", folder]
            close(place)
            subprocess.run(remount, check=True, timeout=10)
            place.store = place.another()
            with pytest.raises(StoreError):
                deliver(place.store, b"new\r\n")
            with pytest.raises(StoreError):
                deliver(place.store, LARGE)
            subprocess.run([*remount[:2], "remount,rw", folder], check=True, timeout=10)
            deliver(place.store, b"after\r\n")
            assert contents(place.store) == [b"before\r\n", b"after\r\n"]


class TestVersions:
    def test_a_newer_one_is_refused(self, place: SQLitePlace) -> None:
        close(place)
        place.query(f"PRAGMA user_version = {len(schema.STEPS) + 1}")
        with closing(sqlite3.connect(place.layout.database)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert_refuses(place, "written by a later pop3gw")
        with pytest.raises(NewerVersion, match="install that version again"):
            place.store.refuse_newer()

    def test_an_older_one_is_copied_and_brought_forward(
        self, place: SQLitePlace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = uidls(place.store)
        close(place)
        step = "ALTER TABLE mailboxes ADD COLUMN remark TEXT;\nCREATE TABLE extra (a INTEGER);"
        known = len(schema.STEPS)
        monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, step))
        place.store = place.another()
        assert uidls(place.store) == before
        assert place.query("SELECT remark FROM mailboxes") == [(None,)]
        (copy,) = place.layout.folder.glob("mail-before-version-*.sqlite")
        with closing(sqlite3.connect(copy)) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (known,)
            assert connection.execute("SELECT count(*) FROM messages").fetchone() == (2,)

    def test_a_step_that_fails_changes_nothing(
        self, place: SQLitePlace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        close(place)
        steps = (*schema.STEPS, "CREATE TABLE extra (a INTEGER);\nINSERT INTO nowhere VALUES (1);")
        with monkeypatch.context() as patch:
            patch.setattr(schema, "STEPS", steps)
            place.store = place.another()
            with pytest.raises(StoreError, match="nowhere"):
                opened(place.store)
        close(place)
        place.store = place.another()
        assert contents(place.store) == [b"first\r\n", LARGE]
        assert migration.version_of(sqlite3.connect(place.layout.database)) == len(schema.STEPS)


def test_a_copy_of_the_folder_works(place: SQLitePlace, tmp_path: Path) -> None:
    close(place)
    shutil.copytree(tmp_path / "sqlite", tmp_path / "copy" / "sqlite")
    with closing(SQLitePlace(tmp_path / "copy")) as copy:
        assert contents(copy.store) == [b"first\r\n", LARGE]

    def test_the_first_version_of_the_tables_is_brought_forward(self, place: SQLitePlace) -> None:
        place.query("DROP INDEX dead_bodies")
        place.query("PRAGMA user_version = 1")
        close(place)
        place.store = place.another()
        assert contents(place.store) == [b"first\r\n", LARGE]
        maildrop = opened(place.store)
        assert result(maildrop.commit([0])) == []
        maildrop.release()
        assert contents(place.store) == [LARGE]
