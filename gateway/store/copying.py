"""Copying mailboxes from one store to another, with unique-ids and order. Blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from gateway.store.offline import OfflineMaildrop, OfflineStore

_MICROSECOND = 1e-6


@dataclass
class Copied:
    """What was done to a mailbox."""

    copied: int = 0
    kept: int = 0
    """Messages that were there already."""
    removed: int = 0
    """Messages that are no longer in the source."""


def copy_mailbox(
    source: OfflineStore, target: OfflineStore, mailbox: str, advance: Callable[[], object]
) -> Copied:
    """Make the mailbox in `target` hold what it holds in `source`. May be done again after a break.

    @param advance: called for each message.
    @raise StoreError: a message cannot be read or stored; what was copied stays.
    """
    copied = Copied()
    with source.maildrop(mailbox) as theirs:
        wanted = set(theirs.maildrop.snapshot.uidls)
        with target.maildrop(mailbox) as ours:
            there = list(ours.maildrop.snapshot.uidls)
            extra = [index for index, uidl in enumerate(there) if uidl not in wanted]
            if extra:
                ours.remove(extra)
                copied.removed = len(extra)
        copied.copied = _copy(theirs, target, mailbox, wanted & set(there), advance)
        copied.kept = len(wanted) - copied.copied
    return copied


def _copy(
    theirs: OfflineMaildrop,
    target: OfflineStore,
    mailbox: str,
    there: set[str],
    advance: Callable[[], object],
) -> int:
    copied = 0
    last = 0.0
    for index, uidl in enumerate(theirs.maildrop.snapshot.uidls):
        attributes = theirs.maildrop.attributes(index)
        # No two at the same time: then the order is the same in any store.
        last = max(attributes.arrived, last + _MICROSECOND)
        if uidl not in there:
            target.put(mailbox, replace(attributes, arrived=last, uidl=uidl), theirs.blocks(index))
            copied += 1
        advance()
    target.flush()
    return copied
