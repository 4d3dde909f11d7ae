"""Runs the real command at a terminal, as a person does."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.admin.commands import ROOT


@dataclass(frozen=True)
class Shown:
    """What a person saw."""

    status: int
    text: str


def at_terminal(
    arguments: Sequence[object], folder: Path, dialog: Sequence[tuple[str, str]]
) -> Shown:
    """Run the command at a terminal of its own.

    @param dialog: (what to wait for, what to type then).
    """
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway.admin", *(str(word) for word in arguments)],
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        return _converse(process, ours, list(dialog))
    finally:
        os.close(ours)


def _converse(
    process: subprocess.Popen[bytes], terminal: int, dialog: list[tuple[str, str]]
) -> Shown:
    shown = b""
    seen = 0
    deadline = time.monotonic() + 60
    while block := _read(terminal, deadline):
        shown += block
        while dialog and dialog[0][0].encode() in shown[seen:]:
            wanted, typed = dialog.pop(0)
            seen = shown.index(wanted.encode(), seen) + len(wanted)
            os.write(terminal, typed.encode() + b"\n")
    if time.monotonic() > deadline:
        process.kill()
    assert not dialog, f"never asked: {dialog}; {shown.decode('utf-8', 'replace')}"
    return Shown(process.wait(timeout=10), shown.decode("utf-8", "replace"))


def _read(terminal: int, deadline: float) -> bytes:
    ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
    if not ready:
        return b""
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the other end is closed
        return b""
