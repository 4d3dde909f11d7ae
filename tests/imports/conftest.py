"""What the tests of imports share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.admin.commands import Office
from tests.imports.maildirs import OldMaildir


@pytest.fixture
def office(tmp_path: Path, request: pytest.FixtureRequest) -> Office:
    """A data folder of a kind (by parameter), with the domain example.org and the user anna."""
    office = Office(tmp_path)
    office("--store", getattr(request, "param", "maildir"), "domain", "add", "example.org")
    office.add("anna@example.org")
    return office


@pytest.fixture
def maildir(tmp_path: Path) -> OldMaildir:
    """A Maildir of the old server."""
    return OldMaildir(tmp_path / "vmail" / "example.org" / "anna")
