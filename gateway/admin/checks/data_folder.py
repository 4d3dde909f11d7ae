"""Is the data folder there, safe from others, owned by one user, on a disk with room?"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

from gateway.admin.checks.finding import Finding
from gateway.admin.folder import Folder
from gateway.config_errors import ConfigError
from gateway.datafolder import DataFolder

_LEAST_FILES = 1000
_LEAST_MESSAGES = 10
"""Of the largest size that is received: so much room must be left."""


def check(folder: Folder) -> Iterator[Finding]:
    """Look at the data folder; one that is not there yet is only looked for."""
    data = folder.data
    if not data.format_file.exists():
        yield _not_made(data.path)
        return
    try:
        kind = data.prepare(folder.settings.store.kind).store_kind
    except ConfigError as error:
        yield Finding.of("data folder", error)
        return
    yield Finding("data folder", f"{data.path}, its mail kept as {kind}")
    yield from _permissions(data)
    yield from _ownership(data)
    yield _room(data.path, folder.settings.limits.message_octets)


def _not_made(path: Path) -> Finding:
    there = next(parent for parent in (path, *path.parents) if parent.exists())
    if not os.path.isdir(there):  # noqa: PTH112  (no errors)
        return Finding("data folder", f"{there} is not a folder", "name another with --data")
    if not os.access(there, os.W_OK | os.X_OK):
        return Finding(
            "data folder",
            f"{path} is not there, and cannot be made by this user in {there}",
            f"make it as root and give it to the user that the gateway runs as: mkdir -p {path}; "
            f"chown USER {path}",
        )
    return Finding("data folder", f"{path} is not there yet; the first start makes it")


def _permissions(data: DataFolder) -> Iterator[Finding]:
    wrong = False
    if _mode(data.path) & 0o027:
        wrong = True
        yield Finding("permissions", f"{data.path} is open to others", f"chmod 700 {data.path}")
    for secret in (data.accounts_file, data.ca_key_file, data.key_file):
        if secret.exists() and _mode(secret) & 0o077:
            wrong = True
            yield Finding("permissions", f"{secret} is open to others", f"chmod 600 {secret}")
    if not wrong:
        yield Finding("permissions", "nobody else can read passwords, keys and mail")


def _mode(path: Path) -> int:
    return path.stat().st_mode


def _ownership(data: DataFolder) -> Iterator[Finding]:
    owner = data.path.stat().st_uid
    strangers = [path for path in _entries(data) if _owner_of(path) not in (owner, None)]
    if strangers:
        more = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
        yield Finding(
            "ownership",
            f"{strangers[0]}{more} does not belong to {_user(owner)}, who owns the folder",
            f"chown -R {_user(owner)} {data.path}",
        )
    else:
        yield Finding("ownership", f"all belongs to {_user(owner)}")


def _entries(data: DataFolder) -> Iterator[Path]:
    """Yield what lies in the folder, down to the mailboxes, but not their messages."""
    for pattern in ("*", "tls/*", "run/*", "mail/*", "mail/*/*"):
        yield from data.path.glob(pattern)


def _owner_of(path: Path) -> int | None:
    try:
        return path.lstat().st_uid
    except FileNotFoundError:  # a gateway that runs makes and removes files
        return None


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _room(path: Path, message_octets: int) -> Finding:
    disk = os.statvfs(path)
    free = disk.f_bavail * disk.f_frsize
    if free < _LEAST_MESSAGES * message_octets:
        return Finding(
            "free space",
            f"only {free >> 20} MiB are left on the disk of {path}",
            "delete what is not needed there, or move the data folder to a larger disk",
        )
    if disk.f_files and disk.f_favail < _LEAST_FILES:
        return Finding(
            "free space",
            f"only {disk.f_favail} more files fit on the disk of {path} (inodes)",
            "delete small files there, or move the data folder to another disk",
        )
    return Finding("free space", f"{free >> 20} MiB")
