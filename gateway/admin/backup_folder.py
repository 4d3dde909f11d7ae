"""What is in a backup beside the mail: accounts, certificates, the format of the folder."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from secrets import token_hex

from gateway.admin.refusals import Refused
from gateway.datafolder import DataFolder
from gateway.files import sync_file

_NOT_COPIED = frozenset({"run", "spool", "mail", "sqlite"})
"""What only a running gateway needs, and the mail itself, which has its own way."""


def make_ready(data: DataFolder, target: Path) -> None:
    """Make the folder of a backup. Raises `Refused` where it is something else."""
    if target == data.path or data.path in target.parents or target in data.path.parents:
        raise Refused(f"{target} and the data folder {data.path} lie in one another")
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(target.iterdir()) and not (target / "sqlite").is_dir():
        raise Refused(f"{target} is not empty, and no backup; name another folder")


def require_backup(target: Path) -> None:
    """Make sure that there is a whole backup. Raises `Refused`."""
    if not (target / "format.json").exists() or not (target / "sqlite").is_dir():
        raise Refused(f"{target} is no backup, or its first run was broken off")


def copy_the_rest(data: DataFolder, target: Path) -> None:
    """Copy all but the mail. `format.json` comes last: with it the backup is whole."""
    names = sorted(path.name for path in data.path.iterdir() if path.name not in _NOT_COPIED)
    for name in sorted(names, key=lambda name: name == data.format_file.name):
        path = data.path / name
        if path.is_dir():
            _copy_folder(path, target / name)
        elif path.suffix == ".sqlite":
            _copy_database(path, target / name)
        elif path.is_file() and not name.endswith(("-wal", "-shm")):
            _copy_file(path, target / name)
        if (target / name).exists():
            sync_tree(target / name)
    sync_file(target)


def sync_tree(path: Path) -> None:
    """Wait until a file, or a folder with all that is in it, is on stable storage."""
    for inner in path.rglob("*"):
        sync_file(inner)
    sync_file(path)


def _copy_folder(path: Path, target: Path) -> None:
    new = target.with_name(f".{target.name}.{token_hex(4)}")
    shutil.copytree(path, new, symlinks=False)
    if target.exists():
        shutil.rmtree(target)
    new.rename(target)


def _copy_database(path: Path, target: Path) -> None:
    new = target.with_name(f".{target.name}.{token_hex(4)}")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(new)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE").fetchall()
    new.chmod(0o600)
    new.rename(target)


def _copy_file(path: Path, target: Path) -> None:
    new = target.with_name(f".{target.name}.{token_hex(4)}")
    shutil.copy2(path, new)
    new.rename(target)
