"""The process beside ours: calls, deaths, signals; and Maildirs that are written by it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from gateway.store.maildir.removals import MANY

CHECKOUT = Path(__file__).parents[2]
SECONDS = 60


def run(name: str, folder: Path, status: int = 0, checkout: Path = CHECKOUT) -> Any:
    """Run one of `side_runs`; return what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.store.side_runs", name, folder],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout)


def test_answers(tmp_path: Path) -> None:
    assert run("answers", tmp_path) == {
        "order": [True, True, True, True, "last"],
        "failure": "StorageFull: no room",
        "other process": True,
        "gone": True,
        "after": "StoreError: the process that does it has ended",
        "told": 0,
    }


def test_killed(tmp_path: Path) -> None:
    found = run("killed", tmp_path)
    assert len(found["failures"]) == 2
    for failure in found["failures"]:
        assert failure.startswith("OutcomeUnknown: the process that does it died:")
    (trouble,) = found["told"]
    assert "tests.store.side_echo" in trouble
    assert "signal 9" in trouble
    assert found["pid"] is None


def test_it_cannot_be_started(tmp_path: Path) -> None:
    found = run("unable", tmp_path)
    assert (found["side"], found["pid"]) == (None, None)
    (trouble,) = found["told"]
    assert "it cannot be started" in trouble
    assert "Too many open files" in trouble


def test_a_list_of_processes_says_what_it_is(tmp_path: Path) -> None:
    line = run("visible", tmp_path)
    assert line == [sys.executable, "-P", "-m", "tests.store.side_echo", "an", "argument"]


def test_none_is_started_from_the_code_of_another_release(tmp_path: Path) -> None:
    sources = shutil.ignore_patterns("__pycache__")
    shutil.copytree(CHECKOUT / "gateway", tmp_path / "gateway", ignore=sources)
    shutil.copytree(CHECKOUT / "tests" / "store", tmp_path / "tests" / "store", ignore=sources)
    found = run("upgraded", tmp_path, checkout=tmp_path)
    (trouble,) = found.pop("told")
    assert found == {"started": None, "answer of the old": "x"}
    assert "it has changed since this process started" in trouble


def test_one_that_was_started_while_the_code_changed_is_not_used(tmp_path: Path) -> None:
    found = run("upgraded_meanwhile", tmp_path)
    (trouble,) = found["told"]
    assert found["started"] == [None, None]
    assert "it has changed since this process started" in trouble


def test_only_we_stop_it(tmp_path: Path) -> None:
    assert run("signals", tmp_path) == {"got": "later", "told": 0, "pid": None}


def test_it_ends_with_us(tmp_path: Path) -> None:
    pid = run("orphan", tmp_path, status=-9)["pid"]
    deadline = time.monotonic() + SECONDS
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_maildirs(tmp_path: Path) -> None:
    found = run("storing", tmp_path)
    failures = found.pop("failures")
    assert found == {
        "anna": True,
        "bert": True,
        "small, large": [11, 5],
        "kept": ["a-unique-id"],
        "usage": [16, True],
        "told": 0,
        "spool": [".lock"],
    }
    for failure in failures:
        assert failure.startswith("StoreError: cannot ")
        assert "carl" in failure
        assert "Not a directory" in failure


def test_it_removes_many_messages(tmp_path: Path) -> None:
    assert run("removing", tmp_path) == {
        "many, by a thread": [4 * MANY],  # the process was not there yet
        "few": [3 * MANY + 1],
        "many": [2 * MANY + 1],
        "aside": [MANY + 1],
        "killed": [1],
        "jobs": [MANY, MANY, MANY],
        "kept": MANY,
        "told": 1,
    }
