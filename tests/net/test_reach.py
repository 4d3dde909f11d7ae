"""What keeps a user from a file, and what mends it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.files import acting_as
from gateway.net.reach import unreadable

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
NOBODY = (65534, 65534)


def test_a_file_that_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("")
    assert unreadable(tmp_path / "key") is None


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    assert unreadable(tmp_path / "key") == (
        "cannot be read: no such file or directory; put it back"
    )


@ROOT_ONLY
def test_the_file_itself(open_folder: Path) -> None:
    key = open_folder / "a key"
    key.write_text("")
    key.chmod(0o600)
    with acting_as(NOBODY):
        assert unreadable(key) == (
            "cannot be read by the user nobody; give access with: "
            f"chgrp nogroup '{key}' && chmod g+r '{key}'"
        )


@ROOT_ONLY
@pytest.mark.parametrize("shut", ["live", "live/name", "archive"])
def test_a_folder_on_the_way_and_what_mends_it(open_folder: Path, shut: str) -> None:
    for folder in ("live", "live/name", "archive"):
        (open_folder / folder).mkdir(mode=0o755)
    (open_folder / "archive/key1").write_text("")
    key = open_folder / "live/name/key"
    key.symlink_to("../../archive/key1")
    (open_folder / shut).chmod(0o700)
    with acting_as(NOBODY):
        told = unreadable(key)
    assert told is not None
    assert f"may not enter the folder {open_folder / shut}; give access with: " in told
    os.chown(open_folder / shut, -1, NOBODY[1])
    (open_folder / shut).chmod(0o750)
    with acting_as(NOBODY):
        assert unreadable(key) is None
