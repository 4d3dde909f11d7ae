"""The data folder: made once, never changed, refused with a remedy."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.config_errors import ConfigError
from gateway.datafolder import DataFolder
from gateway.files import replace_file, write_new

ROOT = Path(__file__).resolve().parent.parent
NOBODY = (65534, 65534)

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root works for other users")


def tree(path: Path) -> dict[str, tuple[int, int, int]]:
    found = {}
    for entry in [path, *path.rglob("*")]:
        status = entry.stat()
        found[str(entry)] = (status.st_mode, status.st_mtime_ns, status.st_ino)
    return found


def test_the_first_time_makes_everything_private(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "deep" / "data")
    prepared = folder.prepare()
    assert prepared.store_kind == "sqlite"
    assert prepared.created[0] == tmp_path / "deep"
    for path in (folder.path, folder.tls, folder.mail, folder.spool, folder.run):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert json.loads(folder.format_file.read_text()) == {"version": 1, "store": "sqlite"}


def test_the_second_time_changes_nothing(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.prepare()
    before = tree(folder.path)
    prepared = folder.prepare("sqlite")
    assert prepared.created == ()
    assert tree(folder.path) == before


def test_what_is_missing_is_made_again(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.prepare()
    folder.run.rmdir()
    assert folder.prepare().created == (folder.run,)


def test_another_kind_of_store_is_refused(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.prepare("maildir")
    with pytest.raises(ConfigError, match="kept as 'maildir', not as 'sqlite'; leave out --store"):
        folder.prepare("sqlite")


def test_maildirs_never_pass_for_an_empty_store(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.prepare("maildir")
    folder.format_file.unlink()
    (folder.mail / "localhost").mkdir()
    assert folder.prepare().store_kind == "maildir"


def test_a_database_never_passes_for_an_empty_store(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.prepare()
    folder.format_file.unlink()
    (folder.path / "sqlite").mkdir()
    (folder.path / "sqlite" / "mail.sqlite").touch()
    assert folder.prepare().store_kind == "sqlite"


def test_the_kind_is_changed(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.prepare("maildir")
    folder.set_store_kind("sqlite")
    assert folder.prepare().store_kind == "sqlite"


def test_a_later_format_is_refused(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.prepare()
    folder.format_file.write_text('{"version": 2, "store": "maildir"}')
    with pytest.raises(ConfigError, match=r"format\.json: .*later pop3gw \(format 2"):
        folder.prepare()


@pytest.mark.parametrize("text", ["", "[]", "{}", "\udcff", '{"version": "x", "store": 1}'])
def test_a_spoilt_format_file_is_refused(tmp_path: Path, text: str) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.prepare()
    folder.format_file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match=r"format\.json: does not say in which format"):
        folder.prepare()


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(ConfigError, match=r"data: the data folder cannot be used: not a"):
        DataFolder(tmp_path / "data").prepare()


def test_a_file_in_the_place_of_a_part_is_refused(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.prepare()
    folder.mail.rmdir()
    folder.mail.write_text("")
    with pytest.raises(ConfigError, match=r"data/mail: the data folder cannot be used"):
        folder.prepare()


def test_a_relative_path_is_made_absolute(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert DataFolder("data").path == tmp_path / "data"


@as_root
def test_what_is_made_belongs_to_the_owner(open_folder: Path) -> None:
    folder = DataFolder(open_folder / "data")
    folder.prepare(owner=NOBODY)
    for path in [folder.path, *folder.path.rglob("*")]:
        assert (path.stat().st_uid, path.stat().st_gid) == NOBODY, path


@as_root
def test_root_works_for_the_owner_of_the_folder(open_folder: Path) -> None:
    folder = DataFolder(open_folder / "data")
    folder.prepare(owner=NOBODY)
    folder.spool.rmdir()
    folder.prepare()
    assert folder.spool.stat().st_uid == NOBODY[0]


@as_root
def test_what_root_made_before_becomes_the_owners(open_folder: Path) -> None:
    folder = DataFolder(open_folder / "data")
    folder.prepare()
    (folder.mail / "a").mkdir(mode=0o700)
    (folder.mail / "a" / "message").write_text("x")
    (folder.mail / "elsewhere").symlink_to(open_folder)
    folder.prepare(owner=NOBODY)
    for path in [folder.path, *folder.path.rglob("*")]:
        assert (path.lstat().st_uid, path.lstat().st_gid) == NOBODY, path
    assert open_folder.stat().st_uid == 0


@as_root
def test_what_others_may_write_into_is_not_given_away(open_folder: Path) -> None:
    folder = DataFolder(open_folder / "data")
    folder.prepare()
    (folder.mail / "a").mkdir()
    (folder.mail / "a" / "message").write_text("x")
    (folder.mail / "a").chmod(0o777)
    folder.prepare(owner=NOBODY)
    assert (folder.mail / "a" / "message").stat().st_uid == 0


@as_root
def test_a_folder_that_the_owner_cannot_write_is_refused(open_folder: Path) -> None:
    folder = DataFolder(open_folder / "data")
    folder.path.mkdir(mode=0o700)
    with pytest.raises(ConfigError, match=r"data: .* belongs to uid 0; .*chown"):
        folder.prepare(owner=NOBODY)
    assert os.geteuid() == 0


def test_many_at_once_agree(tmp_path: Path) -> None:
    script = (
        "import sys; from gateway.datafolder import DataFolder\n"
        "print(len(DataFolder(sys.argv[1]).prepare().created))"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "data")],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    outputs = [process.communicate(timeout=30)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4
    assert sum(map(int, outputs)) == 6
    left = sorted(entry.name for entry in (tmp_path / "data").iterdir())
    assert left == ["format.json", "mail", "run", "spool", "tls"]


def test_a_new_file_does_not_replace_one_that_is_there(tmp_path: Path) -> None:
    file = tmp_path / "file"
    assert write_new(file, b"one", owner=None, mode=0o640)
    assert not write_new(file, b"two", owner=None, mode=0o600)
    assert file.read_bytes() == b"one"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    replace_file(file, b"three", owner=None, mode=0o600)
    assert file.read_bytes() == b"three"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
