"""Storing several messages together, durably, each of them in all its mailboxes or in none.

What a message needs is done for all messages of the group before the next thing is begun: the
file system then writes its journal once for many of them. Blocks: not for a reactor thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from gateway.store.interfaces import StoredCopy
from gateway.store.maildir.copies import Copies, sync_copies
from gateway.store.maildir.folders import mailbox_folder
from gateway.store.maildir.incoming import IncomingMessage
from gateway.store.uidl import check_uidl


class Stored(NamedTuple):
    """What became of a message."""

    copies: list[StoredCopy]
    octets: int
    """Its size with CRLF line ends."""


@dataclass(slots=True, eq=False)
class Storing:
    """A message to be stored.

    @ivar blocks: its last octets.
    """

    message: IncomingMessage
    blocks: Sequence[bytes]
    mailboxes: Sequence[str]
    copies: Copies | None = None
    error: Exception | None = None


def store_all(root: Path, group: Sequence[Storing]) -> list[Stored | Exception]:
    """Store messages durably.

    @return: for each what became of it, or the `StoreError` (or other exception) because of which
        it is stored nowhere.
    """
    try:
        _write(group)
        _place(root, [one for one in group if one.error is None and one.mailboxes])
        return [one.error or _outcome(one) for one in group]
    finally:
        for one in group:
            one.message.discard()


def _write(group: Sequence[Storing]) -> None:
    """Bring the octets to stable storage."""
    group = _each([one for one in group if one.mailboxes], _finish)
    if len(group) > 1:
        group = _each(group, lambda one: one.message.begin_sync())
    _each(group, lambda one: one.message.sync())


def _finish(one: Storing) -> None:
    check_uidl(one.message.attributes.uidl)
    one.message.finish(one.blocks)


def _place(root: Path, group: Sequence[Storing]) -> None:
    """Make messages that are on stable storage visible, and their names durable."""

    def place(one: Storing) -> None:
        message, folders = one.message, [mailbox_folder(root, name) for name in one.mailboxes]
        one.copies = Copies(message.file, message.name(), folders, message.attributes)
        one.copies.place()

    placed = _each(group, place)
    failed = sync_copies([one.copies for one in placed if one.copies is not None])
    for one in placed:
        assert one.copies is not None
        one.error = failed.get(one.copies)


def _outcome(one: Storing) -> Stored:
    if one.copies is None:
        return Stored([], one.message.octets)
    uidl = one.message.attributes.uidl or one.copies.base
    return Stored([StoredCopy(mailbox, uidl) for mailbox in one.mailboxes], one.message.octets)


def _each(group: Sequence[Storing], do: Callable[[Storing], None]) -> list[Storing]:
    """Do something for each; return those for which it succeeded, note why it did not."""
    for one in group:
        try:
            do(one)
        except Exception as error:
            one.error = error
    return [one for one in group if one.error is None]
