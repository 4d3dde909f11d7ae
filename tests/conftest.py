"""What all tests share: the slow ones wait for `--slow`, and real programs must be there."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import programs
from tests.interop.gateway import Gateway


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked as slow, too")
    parser.addoption(
        "--measured",
        action="store_true",
        help="run those, too, that need the machine for themselves",
    )
    parser.addoption(
        "--workers", type=int, default=1, help="how many processes serve in each real gateway"
    )


def pytest_configure(config: pytest.Config) -> None:
    # A shell has what runs in the background ignore it, and so would the gateways that it stops.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "slow: takes long; left out unless --slow is given")
    config.addinivalue_line(
        "markers", "measured: looks at times; left out unless --measured is given"
    )
    Gateway.default_workers = config.getoption("--workers")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for marker in ("slow", "measured"):
        if config.getoption(f"--{marker}"):
            continue
        left_out = [item for item in items if item.get_closest_marker(marker)]
        if left_out:
            config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if item not in left_out]


@pytest.fixture
def require_program() -> Callable[[str], str]:
    """The function that returns a program's path, or skips the test (see `tests.programs`)."""
    return programs.require_program


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user can reach, unlike `tmp_path`, which pytest keeps to its own."""
    with tempfile.TemporaryDirectory(prefix="pop3gw-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
