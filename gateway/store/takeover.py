"""When a login may end the session that holds the maildrop it asks for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Protocol

from gateway.client import Client
from gateway.store.interfaces import MaildropInUse

SILENT_SECONDS = 600.0
"""As long as the shortest autologout timer that RFC 1939 section 3 allows."""


class Holder(Protocol):
    """Whoever holds a maildrop in this process."""

    client: Client


class Takeover:
    """Ends sessions that stand in the way of a new login of the same user.

    One whose connection is broken has to give way at once, and to a client at the same address
    one that has been silent for long. It is closed without an UPDATE, and lets go of the maildrop
    in the way any session does.

    @param silent_seconds: how long is long.
    @param ask: asks another process to end its session: called with its number, the mailbox and
        the address of the new client. What it returns is not looked at.
    """

    def __init__(
        self,
        silent_seconds: float = SILENT_SECONDS,
        ask: Callable[[int, str, str], object] | None = None,
    ) -> None:
        self._silent_seconds = silent_seconds
        self._ask = ask
        self.held: Mapping[str, Holder] = {}
        """Who holds which maildrop in this process. The store puts it here."""

    def try_for(self, in_use: MaildropInUse, client: Client) -> None:
        """Do what can be done for a client that found its maildrop in use."""
        if in_use.mailbox in self.held:
            self.give_up(in_use.mailbox, client.host)
        elif in_use.pid and self._ask is not None:
            self._ask(in_use.pid, in_use.mailbox, client.host)

    def give_up(self, mailbox: str, host: str) -> bool:
        """End the session that holds a maildrop in this process, if it has to give way.

        @param host: the address that the new login comes from.
        @return: whether it was ended.
        """
        holder = self.held.get(mailbox)
        if holder is None:
            return False
        client = holder.client
        silence = client.silent_seconds()
        if silence < math.inf and (host != client.host or silence < self._silent_seconds):
            return False
        client.cut("taken over by another login")
        return True
