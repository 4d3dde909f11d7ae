"""Runs the real `twistd` and `twist` in processes of their own, each with a limit of time."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TWISTD = "import sys; from twisted.scripts.twistd import run; sys.argv[0] = 'twistd'; run()"
TWIST = (
    "import sys; from twisted.application.twist._twist import Twist; sys.argv[0] = 'twist';"
    " Twist.main(sys.argv)"
)
SECONDS = 30
FREE_PORTS = [
    part
    for name in ("pop3", "pop3s", "smtp")
    for part in (f"--{name}", "tcp:0:interface=127.0.0.1")
]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **(extra or {})}


@dataclass
class Ended:
    """What a process left."""

    status: int
    stdout: str
    stderr: str

    @property
    def last_line(self) -> str:
        return self.stderr.rstrip("\n").rpartition("\n")[2]


def twistd(folder: Path, *arguments: str, program: str = TWISTD) -> Ended:
    """Run to the end, which has to come by itself."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


class Running:
    """A gateway that runs, with what it has said so far in a file."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self.process = process
        self._output = output

    @property
    def output(self) -> str:
        return self._output.read_text("utf-8", "replace")

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        """Wait until something is so; fail when the time is over."""
        deadline = time.monotonic() + SECONDS
        while not condition():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError(f"no {what}:\n{self.output[-4000:]}")
            time.sleep(0.02)

    def wait_until_ready(self) -> None:
        self.wait_for(lambda: re.search(r"ready$", self.output, re.MULTILINE), "ready")

    def addresses(self, protocol: str) -> list[str]:
        return re.findall(rf"listening {protocol} (\S+)$", self.output, re.MULTILINE)

    def port(self, protocol: str) -> int:
        return int(self.addresses(protocol)[0].rpartition(":")[2])

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send a signal; return the status."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS)


@contextmanager
def running(
    folder: Path, *arguments: str, program: str = TWISTD, env: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """Run a gateway; kill it at the end if it still runs."""
    with start(folder, arguments, program, env) as gateway:
        try:
            gateway.wait_until_ready()
            yield gateway
        finally:
            if gateway.process.poll() is None:
                gateway.process.kill()


@contextmanager
def start(
    folder: Path, arguments: Sequence[str], program: str, env: Mapping[str, str] | None = None
) -> Iterator[Running]:
    output = folder / "output"
    with (
        output.open("wb") as file,
        subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            cwd=folder,
            env=environment(env),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        yield Running(process, output)
