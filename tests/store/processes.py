"""Scripts in another process, which talk to a test by their standard input and output."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
SECONDS = 20


@contextmanager
def process(folder: Path, script: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a script in another process, its argument `folder`; kill it at the end."""
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )
    try:
        yield child
    finally:
        child.kill()
        child.communicate(timeout=SECONDS)


def read_line(child: subprocess.Popen[bytes]) -> bytes:
    """Return the next line that it says."""
    assert child.stdout is not None
    ready, _, _ = select.select([child.stdout], [], [], SECONDS)
    assert ready, "the other process says nothing"
    return child.stdout.readline()
