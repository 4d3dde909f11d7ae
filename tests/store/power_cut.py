"""What is on a disk after a power cut, rebuilt from the system calls of a process.

Only what was synced is there: the octets of a file as they were at its last fsync, the names in a
folder as they were at the folder's. What was written since may be there or not, file by file.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.programs import require_program

CHECKOUT = Path(__file__).parents[2]
CALLS = (
    "openat,write,pwrite64,ftruncate,fsync,fdatasync,"
    "link,linkat,rename,renameat,renameat2,unlink,unlinkat,mkdir,rmdir"
)
_CALL = re.compile(r"^\d+ +(\w+)\((.*)\) += (-?\d+)(?:<(.*)>)?")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def traced(folder: Path, script: str) -> list[str]:
    """Run a script, its argument `folder`, under strace; return its calls, a line each."""
    log = folder.with_name(f"{folder.name}.trace")
    subprocess.run(
        [
            *(require_program("strace"), "-f", "-y", "-xx", "-e", f"trace={CALLS}"),
            *("-s", "4000000", "-o", log, sys.executable, "-c", script, folder),
        ],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
        timeout=60,
        stderr=subprocess.DEVNULL,
    )
    return log.read_text().splitlines()


class Inode:
    """A file: as the process sees it, and as it is on the disk."""

    def __init__(self) -> None:
        self.now = bytearray()
        self.safe = b""


class Disk:
    """The files and folders below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._names: dict[str, Inode | None] = {}
        """As the process sees them; None is a folder."""
        self._safe_names: dict[str, Inode | None] = {}

    def replay(self, lines: list[str]) -> Iterator[str | None]:
        """Follow calls. Yield each text written to standard error, and None after each sync."""
        for line in lines:
            match = _CALL.match(line)
            if match is None or match[3].startswith("-"):
                continue
            call, arguments, returned, opened = match.groups()
            texts = [_octets(text) for text in _TEXT.findall(arguments)]
            opened = None if opened is None else os.fsdecode(_octets(opened))
            if call == "write" and arguments.startswith("2<"):
                yield texts[0].decode()
            elif call in ("fsync", "fdatasync"):
                self._sync(_path_of_descriptor(arguments))
                yield None
            else:
                self._follow(call, arguments, texts, int(returned), opened)

    def write_to(self, target: Path, chance: random.Random | None) -> None:
        """Make the disk as it is after a power cut.

        @param chance: decides for each file whether what was not synced is there all the same.
        """
        for name, inode in sorted(self._safe_names.items()):
            path = target / os.path.relpath(name, self._root)
            if inode is None:
                path.mkdir(exist_ok=True)
            elif path.parent.is_dir():
                lucky = chance is not None and chance.random() < 0.5
                path.write_bytes(bytes(inode.now) if lucky else inode.safe)

    def _sync(self, path: str) -> None:
        inode = self._names.get(path)
        if inode is not None:
            inode.safe = bytes(inode.now)
            return
        for names in (self._names, self._safe_names):
            children = [name for name in names if os.path.dirname(name) == path]  # noqa: PTH120
            for name in children:
                if name in self._names:
                    self._safe_names[name] = self._names[name]
                else:
                    del self._safe_names[name]

    def _follow(
        self, call: str, arguments: str, texts: list[bytes], returned: int, opened: str | None
    ) -> None:
        if call in ("write", "pwrite64", "ftruncate"):
            self._change(call, arguments, texts)
            return
        paths = [os.fsdecode(text) for text in texts]
        if call == "openat" and opened is not None and self._is_ours(opened):
            if "O_DIRECTORY" not in arguments and opened not in self._names:
                self._names[opened] = Inode()
            inode = self._names.get(opened)
            if inode is not None and "O_TRUNC" in arguments:
                inode.now.clear()
        elif call in ("unlink", "unlinkat", "rmdir"):
            self._names.pop(self._whole(arguments, paths[0]), None)
        elif call == "mkdir" and self._is_ours(paths[0]):
            self._names[paths[0]] = None
        elif call in ("link", "linkat") and self._is_ours(paths[1]):
            self._names[paths[1]] = self._names[paths[0]]
        elif call.startswith("rename") and self._is_ours(paths[1]):
            self._names[paths[1]] = self._names.pop(paths[0])

    def _change(self, call: str, arguments: str, texts: list[bytes]) -> None:
        inode = self._names.get(_path_of_descriptor(arguments))
        if inode is None:
            return
        last = int(arguments.rpartition(",")[2])
        if call == "ftruncate":
            del inode.now[last:]
            inode.now.extend(bytes(last - len(inode.now)))
            return
        at = len(inode.now) if call == "write" else last
        inode.now.extend(bytes(max(0, at - len(inode.now))))
        inode.now[at : at + len(texts[0])] = texts[0]

    def _whole(self, arguments: str, path: str) -> str:
        if path.startswith("/"):
            return path
        folder = re.match(r"\d+<(.*?)>", arguments)
        return f"{os.fsdecode(_octets(folder[1]))}/{path}" if folder else path

    def _is_ours(self, path: str) -> bool:
        return path.startswith(self._root)


def _path_of_descriptor(arguments: str) -> str:
    match = re.match(r"\d+<(.*?)>", arguments)
    return os.fsdecode(_octets(match[1])) if match else ""


def _octets(hexadecimal: str) -> bytes:
    """Read what strace -xx writes, with or without "(deleted)" behind it."""
    return bytes.fromhex("".join(re.findall(r"\\x([0-9a-f]{2})", hexadecimal)))
