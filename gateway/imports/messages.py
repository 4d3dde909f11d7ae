"""A message as its old server has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gateway.store.uidl import is_uidl

UNSEEN = "the old server has shown it to no client yet"
UNFIT = "its old unique-id is not one that RFC 1939 allows: 1 to 70 characters of 0x21 to 0x7E"
TWICE = "the old server has another message with the same unique-id"
TAKEN = "another message here has that unique-id already"


@dataclass(frozen=True, slots=True)
class SourceMessage:
    """One message to import."""

    key: str
    """Names it in its source, whenever that is looked at."""
    uidl: str | None
    """The unique-id that clients know it by; None where it gets a new one."""
    new_because: str
    """Why it gets a new one; "" where it does not."""
    arrived: float | None
    """Seconds since the epoch; None where only its header tells."""
    read: Callable[[], Iterable[bytes]]
    """Yields its octets in canonical form; may raise `MessageVanished`,
    `MessageUnreadable` or, where no other message can be read either, `SourceError`."""
    smtputf8: bool = False
    """See `gateway.store.interfaces.MessageAttributes`."""
    requiretls: bool = False
    """See there."""


class MessageVanished(Exception):
    """The old server has deleted the message meanwhile."""


class MessageUnreadable(Exception):
    """The message cannot be read; others can. The text says where it is, and why."""


def source_message(
    key: str,
    uidl: str | None,
    arrived: float | None,
    read: Callable[[], Iterable[bytes]],
    *,
    none_because: str = UNSEEN,
) -> SourceMessage:
    """Make a `SourceMessage`.

    @param uidl: the unique-id that the old server gives it; None if it has none.
    @param none_because: why it has none.
    """
    if uidl is None:
        return SourceMessage(key, None, none_because, arrived, read)
    if not is_uidl(uidl):
        return SourceMessage(key, None, UNFIT, arrived, read)
    return SourceMessage(key, uidl, "", arrived, read)
