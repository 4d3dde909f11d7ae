"""Why a file cannot be read by the user we run as, and the command that mends it."""

from __future__ import annotations

import grp
import os
import pwd
import shlex
from collections.abc import Iterator
from pathlib import Path


def unreadable(file: Path) -> str | None:
    """Return what keeps this process from reading `file` and how to mend it; None: nothing does.

    Folders on the way, and those that symbolic links lead through, count too.
    """
    try:
        file.open("rb").close()
    except PermissionError:
        pass
    except OSError as error:
        return f"cannot be read: {(error.strerror or str(error)).lower()}; put it back"
    else:
        return None
    user, group = _names()
    for folder in _folders(file):
        if not os.access(folder, os.X_OK, effective_ids=True):
            mend = _mend(folder, group, "g+rx")
            return (
                f"cannot be read by the user {user}, who may not enter the folder {folder}; "
                f"give access with: {mend}"
            )
    return f"cannot be read by the user {user}; give access with: {_mend(file, group, 'g+r')}"


def _mend(path: Path, group: str, mode: str) -> str:
    name = shlex.quote(str(path))
    return f"chgrp {group} {name} && chmod {mode} {name}"


def _folders(file: Path) -> Iterator[Path]:
    """Yield the folders on the way to a file, outermost first."""
    yield from reversed(file.absolute().parents)
    if file.is_symlink():
        target = file.parent / os.readlink(file)  # noqa: PTH115  (relative ones too)
        yield from reversed(Path(os.path.normpath(target)).parents)


def _names() -> tuple[str, str]:
    user, group = str(os.geteuid()), str(os.getegid())
    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
        group = grp.getgrgid(os.getegid()).gr_name
    except KeyError:
        pass  # numbers do as well
    return user, group
