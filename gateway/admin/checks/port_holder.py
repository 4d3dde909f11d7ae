"""Which process listens on a TCP port, as far as /proc tells (Linux)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_LISTEN = "0A"


def holders(port: int, proc: Path = Path("/proc")) -> dict[int, str]:
    """Return the processes that listen on a port: id and command line.

    Empty where there is none, and where this user may not know: others' processes show their
    descriptors to root only.
    """
    sockets = {f"socket:[{inode}]" for inode in _inodes(port, proc)}
    if not sockets:
        return {}
    found: dict[int, str] = {}
    for process in proc.iterdir():
        if process.name.isdecimal() and sockets & set(_descriptors(process)):
            found[int(process.name)] = _command_line(process)
    return found


def _inodes(port: int, proc: Path) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        try:
            lines = (proc / "net" / table).read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            columns = line.split()
            if columns[3] == _LISTEN and int(columns[1].rpartition(":")[2], 16) == port:
                yield columns[9]


def _descriptors(process: Path) -> Iterator[str]:
    try:
        for descriptor in (process / "fd").iterdir():
            yield os.readlink(descriptor)  # noqa: PTH115  (not a path)
    except OSError:
        return


def _command_line(process: Path) -> str:
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
        text = b" ".join(words).decode("utf-8", "replace").strip()
    except OSError:
        return ""
    return "".join(c if c.isprintable() else " " for c in text)[:80]
