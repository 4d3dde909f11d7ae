"""The lock that all processes respect, and what it says about its holder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.store.interfaces import MaildropInUse
from gateway.store.lock import FILE, FolderLock


def test_whoever_comes_second_is_told_who_holds_it(tmp_path: Path) -> None:
    hosts = ("2001:db8:1234:5678:9abc:def0:1234:5678", "192.0.2.1")
    for since, host in enumerate(hosts, start=1_700_000_000):
        lock = FolderLock.take(tmp_path, "anna@example.com", host, since + 0.5)
        with pytest.raises(MaildropInUse) as found:
            FolderLock.take(tmp_path, "anna@example.com", "192.0.2.9", 1.0)
        assert found.value.mailbox == "anna@example.com"
        assert (found.value.host, found.value.since, found.value.pid) == (
            host,
            since + 0.5,
            os.getpid(),
        )
        lock.release()


def test_a_file_that_says_nothing_is_a_lock_all_the_same(tmp_path: Path) -> None:
    lock = FolderLock.take(tmp_path, "anna@example.com", "192.0.2.1", 1.0)
    (tmp_path / FILE).write_bytes(b"\xff")
    with pytest.raises(MaildropInUse) as found:
        FolderLock.take(tmp_path, "anna@example.com", "192.0.2.9", 1.0)
    assert found.value.host == ""
    lock.release()
    FolderLock.take(tmp_path, "anna@example.com", "192.0.2.9", 1.0).release()


def test_a_file_that_was_replaced_is_not_the_lock(tmp_path: Path) -> None:
    lock = FolderLock.take(tmp_path, "anna@example.com", "192.0.2.1", 1.0)
    (tmp_path / FILE).unlink()
    other = FolderLock.take(tmp_path, "anna@example.com", "192.0.2.9", 1.0)
    with pytest.raises(MaildropInUse):
        FolderLock.take(tmp_path, "anna@example.com", "192.0.2.9", 1.0)
    lock.release()
    other.release()


def test_no_folder_is_no_lock(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FolderLock.take(tmp_path / "none", "anna@example.com", "192.0.2.1", 1.0)
