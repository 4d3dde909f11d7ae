"""The SQLite store is a mail store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.conformance import (
    AdministrationConformance,
    AttributesConformance,
    DeliveryConformance,
    HoldConformance,
    KeepingConformance,
    MaildropConformance,
    UsageConformance,
)
from tests.store.sqlite_place import SQLitePlace


@pytest.fixture
def place(tmp_path: Path) -> Iterator[SQLitePlace]:
    place = SQLitePlace(tmp_path)
    yield place
    place.close()


class TestDelivery(DeliveryConformance):
    pass


class TestUsage(UsageConformance):
    pass


class TestAttributes(AttributesConformance):
    pass


class TestMaildrop(MaildropConformance):
    pass


class TestHold(HoldConformance):
    pass


class TestKeeping(KeepingConformance):
    pass


class TestAdministration(AdministrationConformance):
    pass
