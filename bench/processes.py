"""What a tree of processes has used, from /proc; and what one that is started can be given."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import IO, Any

_TICK = os.sysconf("SC_CLK_TCK")


def tree(root: int) -> list[int]:
    """Return a process and all that descend from it."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            fields = _stat(int(folder.name))
            if fields:
                parents[int(folder.name)] = int(fields[1])
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def cpu_seconds(root: int) -> float:
    """Return the CPU time of a tree, in user and kernel, that of children that ended included."""
    ticks = 0
    for pid in tree(root):
        fields = _stat(pid)
        if fields:
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / _TICK


def resident_mib(root: int) -> float:
    """Return the memory of a tree, what processes share counted once (PSS)."""
    total = 0
    for pid in tree(root):
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += int(text.partition("\nPss:")[2].split()[0])
    return total / 1024


def can_have_own_mounts() -> bool:
    """Say whether a process can have a view of its own of folders: in many containers it cannot."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        return False
    return (
        subprocess.run(["unshare", "-m", "true"], capture_output=True, timeout=20).returncode == 0
    )


def start_with_own_mounts(script: str, log: IO[bytes], **options: Any) -> subprocess.Popen[bytes]:
    """Run a shell script that has a view of its own of folders. See `can_have_own_mounts`.

    @param options: as `subprocess.Popen` takes them.
    """
    command = ["unshare", "-m", "sh", "-c", script]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options)


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the state on; of a process that ended, none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
