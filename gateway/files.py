"""Files and folders that appear whole, durably and with the right owner, or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

Owner = tuple[int, int]
"""(uid, gid)"""


def write_new(path: Path, content: bytes, *, owner: Owner | None, mode: int) -> bool:
    """Create a file, whole or not at all, durably; an existing one stays as it is.

    @param mode: its permission bits.
    @return: whether it was created by this call.
    """
    if path.exists():
        return False
    temporary = _write_temporary(path, content, owner, mode)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    sync_folder(path.parent)
    return True


def replace_file(path: Path, content: bytes, *, owner: Owner | None, mode: int) -> None:
    """Put a file in the place of whatever is there, whole or not at all, durably."""
    temporary = _write_temporary(path, content, owner, mode)
    try:
        temporary.replace(path)
    except OSError:
        temporary.unlink()
        raise
    sync_folder(path.parent)


def _write_temporary(path: Path, content: bytes, owner: Owner | None, mode: int) -> Path:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        if owner is not None:
            os.fchown(descriptor, *owner)
        os.fchmod(descriptor, mode)
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    return temporary


def make_folder(folder: Path, owner: Owner | None) -> bool:
    """Make a folder (0700) in one that exists; an existing one stays as it is.

    @return: whether it was made by this call.
    """
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not folder.is_dir():
            raise
        return False
    if owner is not None:
        os.chown(folder, *owner)
    sync_folder(folder.parent)
    return True


def give_tree(folder: Path, owner: Owner) -> None:
    """Give a folder of root's, and all of root's in it, to a user; the folder itself last.

    What another user may write into is not looked into: it could hold links to anything.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            if status.st_uid != 0:
                continue
            if entry.is_dir(follow_symlinks=False) and not status.st_mode & 0o022:
                give_tree(Path(entry.path), owner)
            else:
                os.chown(entry.path, *owner, follow_symlinks=False)
    os.chown(folder, *owner)


def sync_folder(folder: Path | str) -> None:
    """Wait until the names in a folder are on stable storage."""
    _sync(folder, os.O_DIRECTORY)


def sync_file(path: os.PathLike[str] | str) -> None:
    """Wait until a file, or the names in a folder, are on stable storage."""
    _sync(path, 0)


def _sync(path: os.PathLike[str] | str, flags: int) -> None:
    descriptor = os.open(path, os.O_RDONLY | flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def acting_as(owner: Owner | None) -> Iterator[None]:
    """Run a block with the rights of a user, where root works for one; None changes nothing."""
    if owner is None or os.geteuid() != 0:
        yield
        return
    group, groups = os.getegid(), os.getgroups()
    os.setgroups([owner[1]])
    os.setegid(owner[1])
    os.seteuid(owner[0])
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)
