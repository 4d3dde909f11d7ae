"""What the tests of the command share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.admin.commands import Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """A data folder that is not there yet."""
    return Office(tmp_path)


@pytest.fixture
def org(office: Office) -> Office:
    """A data folder with Maildirs, the domain example.org and the users anna and ben in it."""
    office("--store", "maildir", "domain", "add", "example.org")
    office.add("anna@example.org")
    office.add("ben@example.org")
    return office
