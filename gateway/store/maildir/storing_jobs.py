"""What the process beside the gateway is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from gateway.store.interfaces import MessageAttributes


class Add(NamedTuple):
    """The next octets of a message that is too large to wait in memory. Answered with None."""

    message: int
    attributes: MessageAttributes
    blocks: Sequence[bytes]


class Drop(NamedTuple):
    """A message will not be stored. Answered with None."""

    message: int


class Store(NamedTuple):
    """Messages to be stored together. Answered as `store_all` answers."""

    messages: Sequence[tuple[int | None, MessageAttributes, Sequence[bytes], Sequence[str]]]
    """Of each its number, if some of it was added before; attributes, last blocks, mailboxes."""


class Remove(NamedTuple):
    """Messages to be removed, or set aside. Answered as `take_away` answers."""

    folder: Path
    paths: dict[str, str]
    """Where each message was last seen, by base name."""
    until: float | None
    """As for `set_aside`; None to remove them for good."""
