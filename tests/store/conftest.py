"""Where the Maildir store is put to the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.maildir_place import MaildirPlace


@pytest.fixture
def place(tmp_path: Path) -> Iterator[MaildirPlace]:
    place = MaildirPlace(tmp_path)
    yield place
    place.close()
