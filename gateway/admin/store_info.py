"""What `pop3gw store info` shows."""

from __future__ import annotations

from typing import Any

from gateway.admin.folder import Folder
from gateway.admin.store_access import opened
from gateway.store.kinds import open_administration
from gateway.store.sqlite.figures import figures
from gateway.store.sqlite.layout import Layout


def describe(folder: Folder) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return each mailbox, and what is to be said of the whole. Raises `StoreError`."""
    if folder.store_kind == "sqlite":
        return _describe_sqlite(folder)
    administration = open_administration(folder.store_kind, folder.data.path)
    items = []
    for mailbox in administration.mailboxes():
        usage = administration.usage(mailbox)
        items.append({"address": mailbox, "messages": usage.messages, "octets": usage.octets})
    return items, {"kind": folder.store_kind}


def _describe_sqlite(folder: Folder) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    layout = Layout(folder.data.path / "sqlite")
    with opened(layout) as connection:
        if connection is None:
            return [], {"kind": "sqlite"}
        found = figures(layout, connection)
    items = [
        {"address": address, "messages": messages, "octets": octets}
        for address, messages, octets in found.mailboxes
    ]
    return items, {
        "kind": "sqlite",
        "database_octets": found.database,
        "dead_octets": found.dead,
        "log_octets": found.log,
        "large_octets": found.large,
        "large_files": found.large_files,
    }
