"""Answers of the account database: remembered, and never out of date."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gateway.accounts import answers as answers_module
from gateway.accounts.answers import Answers
from gateway.accounts.database import AccountDatabase
from gateway.accounts.directory import EmbeddedDirectory
from gateway.accounts.interfaces import Alias, User
from gateway.accounts.sqlite_file import SQLiteFile


class Questions:
    """Counts what it is asked."""

    def __init__(self, folder: Path) -> None:
        self.file = SQLiteFile(folder / "a.sqlite", ["CREATE TABLE t (x TEXT);"])
        self.answers = Answers(self.file)
        self.asked: list[str] = []

    def rows(self, name: str) -> int:
        self.asked.append(name)
        with self.file.reading() as connection:
            query = "SELECT count(*) FROM t WHERE x = ?"
            (number,) = connection.execute(query, (name,)).fetchone()
        return int(number)

    def add(self, name: str) -> None:
        with self.file.writing() as connection:
            connection.execute("INSERT INTO t VALUES (?)", (name,))

    def ask(self, name: str = "a") -> int:
        return self.answers.get(self.rows, name)


def test_asked_once(tmp_path: Path) -> None:
    questions = Questions(tmp_path)
    assert [questions.ask("a"), questions.ask("b"), questions.ask("a"), questions.ask("b")] == [
        0
    ] * 4
    assert questions.asked == ["a", "b"]


def test_asked_again_after_a_write_of_ours(tmp_path: Path) -> None:
    questions = Questions(tmp_path)
    for count in range(4):
        assert questions.ask() == questions.ask() == count
        questions.add("a")
    assert len(questions.asked) == 4


def test_asked_again_after_a_write_elsewhere(tmp_path: Path) -> None:
    questions, other = Questions(tmp_path), Questions(tmp_path)
    assert questions.ask() == 0
    other.add("a")
    assert questions.ask() == 1
    thread = threading.Thread(target=questions.add, args=("a",))
    thread.start()
    thread.join()
    assert questions.ask() == 2


def test_each_thread_sees_what_is_there(tmp_path: Path) -> None:
    questions = Questions(tmp_path)
    seen: list[int] = []
    threads = [
        threading.Thread(target=lambda: seen.append(questions.ask()), daemon=True) for _ in range(3)
    ]
    for thread in threads:
        questions.add("a")
        thread.start()
        thread.join()
        assert questions.ask() == len(seen)
    assert seen == [1, 2, 3]


def test_a_write_that_failed(tmp_path: Path) -> None:
    questions = Questions(tmp_path)
    assert questions.ask() == 0
    with pytest.raises(ZeroDivisionError), questions.file.writing() as connection:
        connection.execute("INSERT INTO t VALUES ('a')")
        1 / 0  # noqa: B018
    assert questions.ask() == 0


def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers_module, "MOST_ANSWERS", 10)
    questions = Questions(tmp_path)
    for number in range(35):
        questions.ask(str(number))
    assert len(questions.answers._local.known) <= 10


def test_the_directory_follows_every_change(tmp_path: Path) -> None:
    running = EmbeddedDirectory(AccountDatabase(tmp_path / "accounts.sqlite"), "")
    command = AccountDatabase(tmp_path / "accounts.sqlite")

    def now() -> tuple[bool, object]:
        return running.has_domain("example.org"), running.find("anna", "example.org")

    assert now() == (False, None)
    command.add_domain("example.org")
    command.add_user("bert@example.org", "h")
    assert now() == (True, None)
    command.add_alias("anna@example.org", ["bert@example.org"])
    assert now() == (True, Alias(("bert@example.org",)))
    command.remove_alias("anna@example.org")
    command.add_user("anna@example.org", "h")
    assert now() == (True, User("anna@example.org"))
    command.set_user("anna@example.org", "quota_messages", "7")
    assert now() == (True, User("anna@example.org", quota_messages=7))
    command.domain_settings.set("example.org", "quota_messages", "9")
    assert now() == (
        True,
        User("anna@example.org", quota_messages=7, domain_quota_messages=9),
    )
    command.remove_user("anna@example.org")
    assert now() == (True, None)
