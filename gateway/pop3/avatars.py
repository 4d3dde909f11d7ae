"""The avatars that a portal may give us, and how each becomes a maildrop."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, inlineCallbacks

from gateway.pop3.foreign import FOREIGN_INTERFACE, open_foreign
from gateway.pop3.foreign_locks import locks_of
from gateway.store.interfaces import IMaildrop

if TYPE_CHECKING:
    from gateway.pop3.protocol import POP3Connection

MAILDROP_INTERFACES: tuple[Any, ...] = (IMaildrop, FOREIGN_INTERFACE)
"""What a portal is asked for, the best first."""


def maildrop_of(interface: Any, avatar: Any, connection: POP3Connection) -> Any:
    """Return the `IMaildrop` that `avatar` is, or a Deferred of the one it stands for.

    @param interface: the one of `MAILDROP_INTERFACES` that the realm chose.
    """
    return _foreign(avatar, connection) if interface is FOREIGN_INTERFACE else avatar


@inlineCallbacks
def _foreign(avatar: Any, connection: POP3Connection) -> Generator[Deferred[Any], Any, Any]:
    factory = connection.factory
    locks = locks_of(factory.portal)
    release = yield locks.acquire(avatar, connection.client, factory.reactor)
    maildrop = yield open_foreign(
        avatar, release, trust_sizes=factory.policy.trust_sizes, clock=factory.reactor
    )
    maildrop.mailbox = connection.client.user or ""
    return maildrop
