"""Runs all tests, with every kind of store and several workers, within a bound: `make test-all`.

Two groups run at a time, each within its own bound; all of them together within `SECONDS`. What a
group said is shown when it has ended, all of it where it failed. Options go to pytest.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 3000
AT_A_TIME = 2
_WIND_DOWN_SECONDS = 20
_ALL_WELL = (0, 5)
"""Exit statuses of pytest: all passed; none was selected, which options may lead to."""

TWO = ("--workers", "2")


@dataclass
class Group:
    """Some tests that run in one process."""

    name: str
    seconds: int
    """How long they may take: several times what they do on two cores."""
    options: Sequence[str]
    began: float = 0.0
    process: subprocess.Popen[bytes] | None = None
    said: IO[bytes] = field(default_factory=tempfile.TemporaryFile)


GROUPS = (
    Group("kills, broken disks, fuzzing", 2400, ("--slow", "-m", "slow", "tests/faults")),
    Group("kills, broken disks, fuzzing: 2 workers", 2400, ("--slow", *TWO, "tests/faults")),
    Group("all that is not slow", 2400, ()),
    Group("all else that is slow", 2400, ("--slow", "-m", "slow", "--ignore", "tests/faults")),
    Group("real programs: 2 workers", 2400, (*TWO, "tests/interop")),
)
"""The longest first, so that none of them is alone at the end."""


def main(options: Sequence[str]) -> int:
    """Run all groups; return the exit status."""
    began = time.monotonic()
    waiting = list(GROUPS)
    running: list[Group] = []
    failed: list[str] = []
    try:
        while waiting or running:
            while waiting and len(running) < AT_A_TIME:
                running.append(waiting.pop(0))
                _start(running[-1], options)
            time.sleep(0.2)
            late = time.monotonic() - began > SECONDS
            for group in list(running):
                if late or time.monotonic() - group.began > group.seconds:
                    _end(group)
                if group.process is not None and group.process.poll() is not None:
                    running.remove(group)
                    if not _tell(group):
                        failed.append(group.name)
            if late:
                failed += [group.name for group in waiting]
                waiting.clear()
    finally:
        for group in running:
            _end(group)
    print(f"{len(GROUPS)} groups in {time.monotonic() - began:.0f} s", end="")
    print(f", not passed: {', '.join(failed)}" if failed else ": all passed")
    return 1 if failed else 0


def _start(group: Group, options: Sequence[str]) -> None:
    group.began = time.monotonic()
    group.process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *group.options, *options],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=group.said,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )


def _end(group: Group) -> None:
    """End a group: as Ctrl-C does, so that it tells where it was, or by force."""
    assert group.process is not None
    for number in (signal.SIGINT, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(group.process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            group.process.wait(_WIND_DOWN_SECONDS)


def _tell(group: Group) -> bool:
    """Show what a group has said; return whether all went well."""
    assert group.process is not None
    passed = group.process.returncode in _ALL_WELL
    seconds = time.monotonic() - group.began
    print(f"== {group.name}: {'passed' if passed else 'FAILED'} after {seconds:.0f} s", flush=True)
    group.said.seek(0)
    lines = group.said.read().decode("utf-8", "replace").splitlines()
    # Of those that passed, what was skipped and how many there were.
    for line in lines if not passed else [one for one in lines if one.startswith("SKIPPED")]:
        print(line)
    if passed and lines:
        print(lines[-1], flush=True)
    return passed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
