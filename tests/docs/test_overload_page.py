"""What docs/administrator.md states about overload and stopping is what is tested."""

from __future__ import annotations

from gateway.service import WIND_DOWN_SECONDS
from gateway.settings import Limits
from gateway.store.maildir.store import MEMORY_OCTETS
from gateway.store.writer import IN_MEMORY
from gateway.wire import smtp_replies as replies
from tests.docs.pages import ROOT
from tests.faults.test_overload import CEILING_MIB, HALF_MESSAGES


def test_the_table() -> None:
    page = (ROOT / "docs" / "administrator.md").read_text(encoding="utf-8")
    table = page.partition("## Full disks, overload, stopping")[2].partition("\n## ")[0]
    assert f"{HALF_MESSAGES} connections hold half a message each" in table
    assert f"less than {CEILING_MIB} MiB" in table
    assert f"beyond {IN_MEMORY // 1024} KiB of one and {MEMORY_OCTETS >> 20} MiB of all" in table
    assert f"it ends within {WIND_DOWN_SECONDS:.0f} seconds" in table
    assert Limits().connections == HALF_MESSAGES
    for reply in (
        replies.STORAGE_FULL,
        replies.LOCAL_ERROR,
        replies.TOO_MANY_CONNECTIONS,
        replies.SHUTTING_DOWN,
    ):
        assert f"{reply.code} {reply.enhanced}" in table
