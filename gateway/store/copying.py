"""Copying mailboxes from one store to another, with unique-ids and order. Blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

from gateway.store.interfaces import StoreError
from gateway.store.moving import KeptMessage, StoreEnd

_MICROSECOND = 1e-6


@dataclass
class Copied:
    """What was done to a mailbox."""

    messages: int = 0
    """How many it holds, and sessions see."""
    deleted: int = 0
    """How many it holds beside those, which may be undeleted."""
    removed: int = 0
    """Messages that are no longer in the source."""

    def __iadd__(self, other: Copied) -> Self:
        self.messages += other.messages
        self.deleted += other.deleted
        self.removed += other.removed
        return self


def copy_mailbox(
    source: StoreEnd, target: StoreEnd, mailbox: str, advance: Callable[[], object]
) -> Copied:
    """Make the mailbox in `target` hold what it holds in `source`. May be done again after a break.

    @param advance: called for each message that sessions see.
    @raise StoreError: a message cannot be read or stored; what was copied stays.
    """
    copied = Copied()
    with source.holding(mailbox), target.holding(mailbox):
        wanted = list(_as_target_keeps(source.messages(mailbox), target))
        there = {_identity(message): message for message in target.messages(mailbox)}
        keep = {_identity(message) for message in wanted if message.attributes.uidl is not None}
        extra = [message for identity, message in there.items() if identity not in keep]
        if extra:
            target.remove(mailbox, extra)
            copied.removed = len(extra)
        for message in wanted:
            twin = there.get(_identity(message))
            if twin is None:
                target.put(mailbox, message, partial(source.read, message))
            else:
                target.note(message, twin)
            if message.until is None:
                copied.messages += 1
                advance()
            else:
                copied.deleted += 1
        target.flush()
    return copied


def require_same(source: StoreEnd, target: StoreEnd, mailbox: str) -> None:
    """Compare a mailbox in both stores. Raises `StoreError` where they differ."""
    with source.holding(mailbox), target.holding(mailbox):
        old = list(_as_target_keeps(source.messages(mailbox), target))
        new = target.messages(mailbox)
    same = len(old) == len(new) and all(map(_is_same, old, new))
    if not same:
        raise StoreError(f"the mailbox {mailbox} changed meanwhile: run this again")


def _as_target_keeps(messages: Sequence[KeptMessage], target: StoreEnd) -> Iterator[KeptMessage]:
    """Yield messages as they will be in `target`.

    No two arrive at the same time: then the order is the same in any store.
    """
    last = 0.0
    for message in messages:
        arrived = max(message.attributes.arrived, last + _MICROSECOND)
        last = arrived
        if arrived != message.attributes.arrived:
            message = replace(message, attributes=replace(message.attributes, arrived=arrived))
        if message.until is not None:
            message = replace(message, until=target.kept_until(message.until))
        yield message


def _identity(message: KeptMessage) -> tuple[str | None, float | None]:
    return message.attributes.uidl, message.until


def _is_same(old: KeptMessage, new: KeptMessage) -> bool:
    uidl = old.attributes.uidl
    return (
        (uidl is None or uidl == new.attributes.uidl)
        and old.octets == new.octets
        and old.until == new.until
    )
