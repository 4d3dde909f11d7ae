"""One SQLite file under several threads and processes, and what is said when it cannot be used."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.task import Clock
from twisted.python import threadable

from gateway.accounts.database import AccountDatabase, DatabaseUnavailable
from gateway.accounts.sqlite_file import SQLiteFile

ADD_USERS = """
import sys
from pathlib import Path
from gateway.accounts.database import AccountDatabase
database = AccountDatabase(Path(sys.argv[1]), busy_seconds=60)
for n in range(25):
    database.add_user(f"{sys.argv[2]}-{n}@example.org", "h")
"""


def names(database: AccountDatabase) -> list[str]:
    return [user.address for user in database.users()]


def test_changes_are_seen_by_others_at_once(tmp_path: Path) -> None:
    path = tmp_path / "accounts.sqlite"
    running, command = AccountDatabase(path), AccountDatabase(path)
    command.add_domain("example.org")
    assert running.domains() == ["example.org"]
    command.add_user("anna@example.org", "h")
    assert running.user("anna@example.org") is not None
    command.remove_user("anna@example.org")
    assert running.user("anna@example.org") is None


def test_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "accounts.sqlite"
    database = AccountDatabase(path)
    database.add_domain("example.org")
    writers = [
        subprocess.Popen([sys.executable, "-c", ADD_USERS, str(path), name])
        for name in ("a", "b", "c")
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    assert len(database.users()) == 75


def test_processes_make_the_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "accounts.sqlite"
    make = (
        "import sys; from pathlib import Path; from gateway.accounts.database import *;"
        "AccountDatabase(Path(sys.argv[1]), busy_seconds=60).add_domain(sys.argv[2])"
    )
    makers = [
        subprocess.Popen([sys.executable, "-c", make, str(path), f"d{n}.example"]) for n in range(4)
    ]
    assert [maker.wait(timeout=60) for maker in makers] == [0, 0, 0, 0]
    assert AccountDatabase(path).domains() == [f"d{n}.example" for n in range(4)]


def test_waits_for_another_that_makes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "accounts.sqlite"
    maker = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    maker.execute("BEGIN EXCLUSIVE")
    maker.execute("CREATE TABLE t (x)")
    release = threading.Timer(0.3, maker.execute, ["ROLLBACK"])
    release.start()
    database = AccountDatabase(path, busy_seconds=60)
    release.join()
    maker.close()
    assert database.domains() == []


def test_files_are_made_by_several_at_once(tmp_path: Path) -> None:
    """SQLite's own patience does not cover the change to WAL: many rounds, to meet it."""
    failed: list[BaseException] = []

    def make(path: Path, start: threading.Barrier) -> None:
        start.wait(60)
        try:
            AccountDatabase(path, busy_seconds=60).close()
        except BaseException as error:
            failed.append(error)

    for number in range(40):
        start = threading.Barrier(6)
        arguments = (tmp_path / f"{number}.sqlite", start)
        threads = [threading.Thread(target=make, args=arguments) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert failed == []


def test_threads_use_it_at_once(tmp_path: Path) -> None:
    database = AccountDatabase(tmp_path / "accounts.sqlite", busy_seconds=60)
    database.add_domain("example.org")
    failed: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for n in range(20):
                database.add_user(f"{name}-{n}@example.org", "h")
                assert database.user(f"{name}-{n}@example.org") is not None
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert len(database.users()) == 80


def test_works_on_after_a_fork(tmp_path: Path) -> None:
    """As in twistd, which forks to daemonize."""
    path = tmp_path / "accounts.sqlite"
    script = """
import os, sys
from pathlib import Path
from gateway.accounts.database import AccountDatabase
database = AccountDatabase(Path(sys.argv[1]))
database.add_domain("before.example")
with database._file.reading() as ours:
    pass
child = os.fork()
if child == 0:
    with database._file.reading() as connection:
        assert connection is not ours
    database.add_domain("child.example")
    database.close()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
database.add_domain("parent.example")
print(*database.domains())
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["before.example", "child.example", "parent.example"]
    assert done.returncode == 0
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    file = SQLiteFile(tmp_path / "x.sqlite", ["CREATE TABLE t (x);"])
    with pytest.raises(KeyError), file.writing() as connection:
        connection.execute("INSERT INTO t VALUES (1)")
        raise KeyError("x")
    with file.reading() as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone()[0] == 0


def test_a_commit_that_fails_leaves_nothing(tmp_path: Path) -> None:
    children = "CREATE TABLE p (x PRIMARY KEY);\nCREATE TABLE c (x REFERENCES p DEFERRABLE"
    file = SQLiteFile(tmp_path / "x.sqlite", [f"{children} INITIALLY DEFERRED);"])
    with pytest.raises(DatabaseUnavailable), file.writing() as connection:
        connection.execute("INSERT INTO c VALUES (1)")  # found out at the commit only
    with file.writing() as connection:
        connection.execute("INSERT INTO p VALUES (1)")
        connection.execute("INSERT INTO c VALUES (1)")
    with file.reading() as connection:
        assert connection.execute("SELECT count(*) FROM c").fetchone()[0] == 1


def test_steps_are_taken_once_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    first = "CREATE TABLE t (x);\nINSERT INTO t VALUES (1);\n"
    SQLiteFile(path, [first]).close()
    SQLiteFile(path, [first]).close()
    file = SQLiteFile(path, [first, "ALTER TABLE t ADD COLUMN y DEFAULT 7;\n"])
    with file.reading() as connection:
        assert [tuple(row) for row in connection.execute("SELECT * FROM t")] == [(1, 7)]
        assert connection.execute("PRAGMA user_version").fetchone()[0] == 2


def test_a_step_that_fails_leaves_the_old_version(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    SQLiteFile(path, ["CREATE TABLE t (x);"]).close()
    with pytest.raises(DatabaseUnavailable):
        SQLiteFile(path, ["", "CREATE TABLE u (x);\nCREATE TABLE t (x);"])
    with SQLiteFile(path, [""]).reading() as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        assert [row["name"] for row in tables] == ["t"]


def test_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "accounts.sqlite"
    AccountDatabase(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(DatabaseUnavailable, match="newer release") as caught:
        AccountDatabase(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "accounts.sqlite"
    path.write_bytes(b"this is no database " * 100)
    with pytest.raises(DatabaseUnavailable, match="not a database") as caught:
        AccountDatabase(path)
    assert str(path) in str(caught.value)


def test_folder_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseUnavailable, match="cannot use"):
        AccountDatabase(tmp_path / "file" / "accounts.sqlite")


def test_busy_for_too_long(tmp_path: Path) -> None:
    database = AccountDatabase(tmp_path / "accounts.sqlite", busy_seconds=0.05)
    holder = sqlite3.connect(database.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseUnavailable, match="held it for too long"):
        database.add_domain("example.org")
    assert database.domains() == []  # reading does not wait for the one who writes
    holder.execute("ROLLBACK")
    holder.close()
    database.add_domain("example.org")
    assert database.domains() == ["example.org"]


def test_close_and_go_on(tmp_path: Path) -> None:
    database = AccountDatabase(tmp_path / "accounts.sqlite")
    database.add_domain("example.org")
    database.close()
    assert [path.name for path in tmp_path.iterdir()] == ["accounts.sqlite"]
    assert database.domains() == ["example.org"]


@pytest.fixture
def reactor_thread() -> Iterator[Clock]:
    before = threadable.ioThread
    threadable.registerAsIOThread()
    yield Clock()
    threadable.ioThread = before


STEPS = ["CREATE TABLE t (x TEXT);"]


def add(file: SQLiteFile) -> None:
    with file.writing() as connection:
        connection.execute("INSERT INTO t VALUES ('a')")


def test_the_reactor_looks_for_changes_of_others_once_a_turn(
    tmp_path: Path, reactor_thread: Clock
) -> None:
    ours = SQLiteFile(tmp_path / "a.sqlite", STEPS, reactor=reactor_thread)
    other = SQLiteFile(tmp_path / "a.sqlite", STEPS)
    before = ours.version()
    add(other)
    assert ours.version() == before
    reactor_thread.advance(0)
    changed = ours.version()
    assert changed != before
    assert reactor_thread.getDelayedCalls()
    reactor_thread.advance(0)
    assert ours.version() == changed


def test_what_this_process_writes_counts_at_once(tmp_path: Path, reactor_thread: Clock) -> None:
    ours = SQLiteFile(tmp_path / "a.sqlite", STEPS, reactor=reactor_thread)
    seen = {ours.version()}
    for count in range(2, 5):
        add(ours)
        seen.add(ours.version())
        assert len(seen) == count


def test_another_thread_looks_every_time(tmp_path: Path, reactor_thread: Clock) -> None:
    ours = SQLiteFile(tmp_path / "a.sqlite", STEPS, reactor=reactor_thread)
    other = SQLiteFile(tmp_path / "a.sqlite", STEPS)
    ours.version()
    found = []

    def look_twice() -> None:
        found.append(ours.version())
        add(other)
        found.append(ours.version())

    thread = threading.Thread(target=look_twice)
    thread.start()
    thread.join(20)
    assert len(set(found)) == 2


def test_a_look_that_failed_is_tried_again_in_the_same_turn(
    tmp_path: Path, reactor_thread: Clock
) -> None:
    path = tmp_path / "a.sqlite"
    ours = SQLiteFile(path, STEPS, reactor=reactor_thread)
    ours.close()
    path.rename(tmp_path / "away")
    path.mkdir()
    with pytest.raises(DatabaseUnavailable):
        ours.version()
    path.rmdir()
    (tmp_path / "away").rename(path)
    assert ours.version() == ours.version()
