"""Runs the `pop3gw` command: the real one, and, for speed, inside the test's own process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from gateway.admin.main import pop3gw

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Office:
    """A data folder, and commands on it."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.folder = folder

    def __call__(self, *arguments: object, stdin: str | bytes = "", status: int = 0) -> Done:
        """Run a command inside this process; check its status, and that there is no traceback."""
        words = [str(word) for word in ("--data", self.data, *arguments)]
        result = CliRunner().invoke(pop3gw, words, input=stdin, prog_name="pop3gw")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        done = Done(result.exit_code, result.stdout, result.stderr)
        assert done.status == status, done
        return done

    def run(self, *arguments: object, stdin: str | bytes = "", status: int = 0) -> Done:
        """Run the real command."""
        done = real(["--data", self.data, *arguments], self.folder, stdin)
        assert done.status == status, done
        return done

    def add(self, address: str, password: str = "secret") -> None:
        self("user", "add", address, "--password-stdin", stdin=f"{password}\n")


def start(arguments: Sequence[object], folder: Path) -> subprocess.Popen[bytes]:
    """Start the real command in a folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "gateway.admin", *(str(word) for word in arguments)],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def end(process: subprocess.Popen[bytes], stdin: str | bytes = "") -> Done:
    """Wait for a command; there must be no traceback."""
    octets = stdin.encode() if isinstance(stdin, str) else stdin
    out, err = process.communicate(octets, timeout=60)
    done = Done(process.returncode, out.decode(), err.decode())
    assert "Traceback" not in done.err, done.err
    return done


def real(arguments: Sequence[object], folder: Path, stdin: str | bytes = "") -> Done:
    """Run the real command in a folder, to its end."""
    return end(start(arguments, folder), stdin)
