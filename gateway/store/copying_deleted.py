"""Copying what was deleted and is still kept from one store to another. Blocks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from gateway.store.interfaces import StoreError
from gateway.store.offline import OfflineStore


def bring_back_extra(source: Any, target: Any, mailbox: str) -> None:
    """Let the target's sessions see what it keeps and the source does not.

    So that it counts as any other message when the mailbox is copied.

    @param source: the `IKeepingAdministration` of the store that is copied.
    @param target: that of the other one.
    """
    extra = _uidls(target, mailbox) - _uidls(source, mailbox)
    if extra:
        target.undelete(mailbox, extra)


def copy_deleted(
    source: Any, target: Any, store: OfflineStore, mailbox: str, advance: Callable[[], object]
) -> None:
    """Make the target keep what the source keeps. May be done again after a break.

    A message is put into the mailbox first. After a break there it is one that the source's
    mailbox has not, and goes with the next copy of that.

    @param store: the target's.
    @param advance: called for each message.
    @raise StoreError: a message cannot be read or stored.
    """
    there = _uidls(target, mailbox)
    wanted: dict[float, set[str]] = defaultdict(set)
    for message, attributes, blocks in source.read_deleted(mailbox):
        if message.uidl not in there:
            store.put(mailbox, attributes, blocks)
            wanted[message.until].add(message.uidl)
        advance()
    store.flush()
    for until, uidls in wanted.items():
        with store.maildrop(mailbox) as held:
            found = [n for n, uidl in enumerate(held.maildrop.snapshot.uidls) if uidl in uidls]
            held.set_aside(found, until)
    if _uidls(target, mailbox) != _uidls(source, mailbox):
        raise StoreError(f"what is kept of {mailbox} changed meanwhile: run this again")


def _uidls(administration: Any, mailbox: str) -> set[str]:
    return {message.uidl for message in administration.deleted(mailbox)}
