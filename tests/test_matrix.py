"""`make test-all` tells what failed, and ends what hangs."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests import matrix
from tests.matrix import Group

SLEEPER = """
import os, time
from pathlib import Path

def test_sleeps():
    Path({mark!r}).write_text(str(os.getpid()))
    time.sleep(600)
"""


def test_all_well(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(matrix, "GROUPS", [Group(f"group {n}", 60, ()) for n in range(3)])
    assert matrix.main(["--version"]) == 0
    said = capfd.readouterr().out
    for number in range(3):
        assert f"== group {number}: passed after " in said
    assert ": all passed\n" in said


def test_what_fails_and_what_hangs(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    (tmp_path / "test_sleeper.py").write_text(SLEEPER.format(mark=str(mark)))
    (tmp_path / "test_wrong.py").write_text("def test_wrong():\n    assert 'this' == 'that'\n")
    groups = [
        Group("wrong", 60, (str(tmp_path / "test_wrong.py"),)),
        Group("hangs", 8, (str(tmp_path / "test_sleeper.py"),)),
    ]
    monkeypatch.setattr(matrix, "GROUPS", groups)
    assert matrix.main(["-p", "no:cacheprovider"]) == 1
    said = capfd.readouterr().out
    assert "== wrong: FAILED after " in said
    assert "assert 'this' == 'that'" in said
    assert "== hangs: FAILED after " in said
    assert "not passed: wrong, hangs\n" in said
    if mark.exists():  # it had begun in time
        with pytest.raises(ProcessLookupError):
            os.kill(int(mark.read_text()), signal.SIGCONT)


def test_the_bound_of_all(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    sleeper = tmp_path / "test_sleeper.py"
    sleeper.write_text(SLEEPER.format(mark=str(tmp_path / "mark")))
    groups = [Group(f"group {number}", 600, (str(sleeper),)) for number in range(3)]
    monkeypatch.setattr(matrix, "GROUPS", groups)
    monkeypatch.setattr(matrix, "SECONDS", 2)
    assert matrix.main([]) == 1
    assert "not passed: group 0, group 1, group 2\n" in capfd.readouterr().out
