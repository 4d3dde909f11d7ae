"""Work in a process of its own, which strace kills before a system call that it is told."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.programs import require_program

SECONDS = 20.0
DONE = 0


def traced(prepare: Callable[[], Callable[[], object]], log: Path, *options: str) -> int:
    """Fork, and do in the child what `prepare` returns, under strace.

    @param log: where the system calls of the work go, those of `prepare` not.
    @param options: of strace.
    @return: how it ended, as `os.waitstatus_to_exitcode` gives it; `DONE` if nothing was raised.
    """
    strace = require_program("strace")
    (go, start), (wait, ready) = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        _child(prepare, ready, go)
    assert os.read(wait, 1)
    tracer = subprocess.Popen([strace, "-o", log, *options, "-p", str(pid)], stderr=subprocess.PIPE)
    assert tracer.stderr is not None
    try:
        assert b"attached" in tracer.stderr.readline()
        os.write(start, b"!")
        _, status = os.waitpid(pid, 0)
        tracer.wait(timeout=SECONDS)
    finally:
        for descriptor in (go, start, wait, ready):
            os.close(descriptor)
        if tracer.poll() is None:
            tracer.kill()
            tracer.wait()
        tracer.stderr.close()
    return os.waitstatus_to_exitcode(status)


def _child(prepare: Callable[[], Callable[[], object]], ready: int, go: int) -> None:
    """Work when told to, then end with `DONE`. Never returns."""
    status = 99
    try:
        work = prepare()
        os.write(ready, b"!")
        os.read(go, 1)
        work()
        status = DONE
    finally:
        os._exit(status)


def kill_at(call: str, occurrence: int) -> tuple[str, str]:
    """The options of strace that kill a process when it is about to make a call so many times."""
    return "-e", f"inject={call}:signal=KILL:when={occurrence}"


def calls(log: Path) -> list[tuple[str, int]]:
    """Return each system call of a log, and the how manieth of its name it is."""
    seen: Counter[str] = Counter()
    found = []
    for line in log.read_text().splitlines():
        name, parenthesis, _ = line.partition("(")
        if parenthesis and name.isidentifier():
            seen[name] += 1
            found.append((name, seen[name]))
    return found
