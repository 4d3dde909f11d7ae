"""The log file that several processes write to and rotate."""

from __future__ import annotations

import os
import time
from pathlib import Path

from gateway.workers.logfile import SharedLogFile

LINES = 3000
PROCESSES = 3


def test_no_line_is_lost_or_broken_while_all_write_and_rotate(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = SharedLogFile.fromFullPath(str(path), rotateLength=40_000)
    children = []
    for process in range(PROCESSES):
        pid = os.fork()
        if not pid:
            status = 1
            try:
                for line in range(LINES):
                    log.write(f"{process} {line} {'x' * (line % 90)}.\n")
                    if not line % 100:
                        time.sleep(0.02)
                status = 0
            finally:
                os._exit(status)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * PROCESSES
    log.write("end\n")
    files = [path, *tmp_path.glob("log.*")]
    assert len(files) > 2
    assert path.read_text().endswith("end\n"), "one that did not rotate follows"
    lines = [line for file in files for line in file.read_text().splitlines() if line != "end"]
    assert all(line.endswith(".") for line in lines)
    found = sorted(tuple(map(int, line.split()[:2])) for line in lines)
    assert found == [(process, line) for process in range(PROCESSES) for line in range(LINES)]


def test_a_folder_that_is_not_ours_any_more(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = SharedLogFile.fromFullPath(str(path), rotateLength=100)
    path.unlink()
    for _ in range(10):
        log.write("x" * 30 + "\n")
    log._looked = 0.0
    log.write("y\n")
