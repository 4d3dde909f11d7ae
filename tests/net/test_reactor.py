"""The reactor of `twistd pop3gw`: Twisted's own tests of reactors, and where it serves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.gateway import Gateway
from tests.net.twisted_tests import run_twisted_tests

REACTOR = "gateway.net.reactor.GatewayReactor"


def test_it_is_a_reactor_as_twisted_tests_them(tmp_path: Path) -> None:
    ours = run_twisted_tests("twisted_reactor_tests.py", tmp_path / "ours", REACTOR)
    theirs = run_twisted_tests("twisted_reactor_tests.py", tmp_path / "theirs")
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
