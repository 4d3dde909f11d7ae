"""Storing messages in a data folder that no gateway runs on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.store.interfaces import MessageAttributes
from gateway.store.offline import OfflineStore


def put(
    store: OfflineStore,
    mailboxes: Sequence[str],
    blocks: Iterable[bytes],
    attributes: MessageAttributes | None = None,
) -> None:
    """Store a message in all `mailboxes`, durably."""
    writer = store.store.begin_delivery(attributes or MessageAttributes())
    for block in blocks:
        store.wait(writer.write(block))
    store.wait(writer.commit(mailboxes))
