"""The benchmarks can be listed and run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.programs import run

ROOT = Path(__file__).resolve().parent.parent


def bench(*arguments: str, status: int = 0) -> str:
    command = [sys.executable, "-m", "bench", *arguments]
    return run(command, cwd=ROOT, status=status, timeout=120).stdout.decode()


def test_each_is_listed_with_what_it_measures() -> None:
    listed = [line.split(maxsplit=1) for line in bench("--list").splitlines() if line[:2] == "  "]
    names = {line[0] for line in listed}
    assert {"maildir", "smtp_delivery", "wire"} <= names
    assert all(len(line) == 2 for line in listed)
    assert "smtp_delivery" in bench("nonsense", status=2)


@pytest.mark.slow
def test_receiving_is_measured() -> None:
    text = bench("smtp_delivery", "--quick", "--server", "pop3gw", "--server", "bare")
    for scenario in ("4 KB on 20", "one of 25 MB", "4 KB to 50", "STARTTLS", "half messages"):
        assert scenario in text
    assert "x," in text
    assert "of its CPU" in text
