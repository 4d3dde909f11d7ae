"""Counts the system calls of a tree of processes, with strace."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from bench.processes import tree

SETTLE_SECONDS = 0.3
"""For a server to end what is left when its client has gone."""


def count(root: int, report: Path, work: Callable[[], object]) -> int | None:
    """Count the system calls of a tree while something is done; None where there is no strace.

    @param root: the process above all others.
    @param report: where strace may write.
    """
    targets = [word for pid in tree(root) for word in ("-p", str(pid))]
    command = ["strace", "-c", "-f", "-qq", "-o", str(report), *targets]
    try:
        tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    except FileNotFoundError:
        return None
    time.sleep(1)
    try:
        work()
        time.sleep(SETTLE_SECONDS)
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(timeout=60)
    line = next(line for line in report.read_text().splitlines() if line.endswith("total"))
    # % time, seconds, microseconds a call, calls, and errors where there were any.
    return int(re.findall(r"[0-9.]+", line)[3])
