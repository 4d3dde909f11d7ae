"""The reactor of `twistd pop3gw`: Twisted's own tests of reactors, and where it serves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.interop.gateway import ROOT, Gateway

REACTOR = "gateway.net.reactor.GatewayReactor"
SCRIPT = Path(__file__).with_name("twisted_reactor_tests.py")


def run_twisted_tests(folder: Path, *reactor: str) -> dict[str, Any]:
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, SCRIPT, *reactor],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        timeout=300,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_it_is_a_reactor_as_twisted_tests_them(tmp_path: Path) -> None:
    ours = run_twisted_tests(tmp_path / "ours", REACTOR)
    theirs = run_twisted_tests(tmp_path / "theirs")
    assert ours["ran"] == theirs["ran"] > 200
    more = set(ours["failed"]) - set(theirs["failed"])
    assert {name.rpartition(".")[2] for name in more} == {"test_logPrefix"}, "that is left out"


@pytest.mark.parametrize(
    ("options", "expected"),
    [([], REACTOR), (["--reactor", "epoll"], "twisted.internet.epollreactor.EPollReactor")],
    ids=["by default", "another"],
)
def test_twistd_serves_with_it(options: list[str], expected: str, tmp_path: Path) -> None:
    with Gateway(tmp_path, twistd=options) as gateway:
        assert f"reactor class: {expected}" in gateway.log
