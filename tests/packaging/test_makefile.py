"""What `make` promises to a newcomer."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.packaging.environment import copy_of_checkout
from tests.programs import require_program, run

PORTS = " ".join(f"--{kind} tcp:0:interface=127.0.0.1" for kind in ("pop3", "pop3s", "smtp"))
UP_TO_DATE, OUT_OF_DATE = 0, 1


def _question(checkout: Path, target: str) -> int:
    return run(
        [require_program("make"), "--question", target], cwd=checkout, status=None
    ).returncode


def test_what_is_installed_is_not_installed_again(tmp_path: Path) -> None:
    checkout = copy_of_checkout(tmp_path)
    assert _question(checkout, "install") == OUT_OF_DATE
    venv = checkout / ".venv"
    venv.mkdir()
    for stamp in ("created", "installed"):
        venv.joinpath(stamp).touch()
    assert _question(checkout, "install") == UP_TO_DATE
    later = time.time() + 5
    os.utime(checkout / "setup.cfg", (later, later))
    assert _question(checkout, "install") == OUT_OF_DATE


def test_make_alone_says_what_there_is(tmp_path: Path) -> None:
    said = run([require_program("make")], cwd=copy_of_checkout(tmp_path)).stdout
    assert b"make serve" in said
    assert b"make test" in said


def test_a_python_that_is_too_old_is_refused(tmp_path: Path) -> None:
    checkout = copy_of_checkout(tmp_path)
    shell, touch = Path(require_program("sh")), Path(require_program("touch"))
    programs = tmp_path / "bin"
    programs.mkdir()
    for program in (shell, touch):
        programs.joinpath(program.name).symlink_to(program)
    make = require_program("make")
    done = run([make, "install"], cwd=checkout, env={"PATH": str(programs)}, status=2)
    assert b"Python 3.11 or newer" in done.stderr
    assert b"make PYTHON=" in done.stderr


def _wait_for(text: str, file: Path, process: subprocess.Popen[bytes], seconds: float) -> str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        if text in file.read_text(encoding="utf-8"):
            break
        time.sleep(0.1)
    said = file.read_text(encoding="utf-8")
    assert text in said, said
    return said


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_make_serve_from_a_clone(tmp_path: Path, stop: signal.Signals) -> None:
    checkout = copy_of_checkout(tmp_path)
    for attempt in ("first", "second"):
        file = tmp_path / f"{attempt}.log"
        with file.open("wb") as log:
            process = subprocess.Popen(
                [require_program("make"), "serve", f"ARGS={PORTS}"],
                cwd=checkout,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            said = _wait_for("ready\n", file, process, 300)
            assert ("installing" in said) == (attempt == "first")
            os.killpg(process.pid, stop)
            process.wait(timeout=30)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        assert "Traceback" not in file.read_text(encoding="utf-8")
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)
    assert not list(checkout.glob("twistd.*"))
