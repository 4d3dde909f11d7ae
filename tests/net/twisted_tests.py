"""Twisted's own tests, run with a part of ours in the place of Twisted's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.interop.gateway import ROOT


def run_twisted_tests(script: str, folder: Path, *ours: str) -> dict[str, Any]:
    """Run one of the scripts beside this file, in a process of its own.

    @param ours: the module and class that takes the place of Twisted's; nothing for Twisted's own.
    @return: how many tests `ran`, and the names of those that `failed`.
    """
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name(script), *ours],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        timeout=300,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found
