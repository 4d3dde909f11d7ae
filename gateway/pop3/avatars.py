"""The avatars that a portal may give us, and how each becomes a maildrop."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed

from gateway.pop3.foreign import FOREIGN_INTERFACE, open_foreign
from gateway.store.interfaces import IMaildrop

MAILDROP_INTERFACES: tuple[Any, ...] = (IMaildrop, FOREIGN_INTERFACE)
"""What a portal is asked for, the best first."""


def maildrop_of(interface: Any, avatar: Any, trust_sizes: bool, clock: Any) -> Deferred[IMaildrop]:
    """Return a Deferred of the maildrop that `avatar` is, or stands for.

    @param interface: the one of `MAILDROP_INTERFACES` that the realm chose.
    """
    if interface is FOREIGN_INTERFACE:
        return open_foreign(avatar, trust_sizes=trust_sizes, clock=clock)
    return succeed(avatar)
