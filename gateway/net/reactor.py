"""Twisted's epoll reactor without a logging context for each event, which is a tenth of a session.

`twistd pop3gw` serves with it where no other was chosen; `twistd --reactor pop3gw -y office.tac`
does the same for an application. What it leaves out is the part of Twisted's old `log.msg` that
names the connection at work (`ILogContext`); the gateway's own lines name their session themselves.
"""

from __future__ import annotations

import sys

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.main import installReactor
from twisted.python import log


class GatewayReactor(EPollReactor):
    """See `twisted.internet.epollreactor.EPollReactor`."""

    def doPoll(self, timeout: float | None) -> None:
        """Wait for events, and have those at work whom they are for.

        @param timeout: seconds, None to wait for as long as it takes.
        """
        # A signal that comes meanwhile lets the system's call go on (PEP 475).
        events = self._poller.poll(-1 if timeout is None else timeout, len(self._selectables))
        selectable_of, work = self._selectables.get, self._doReadOrWrite
        for descriptor, event in events:
            selectable = selectable_of(descriptor)
            if selectable is None:
                continue  # closed by what another event has brought about
            try:
                work(selectable, descriptor, event)
            except Exception:
                log.err(_why=f"failed at an event of {selectable.logPrefix()}")

    doIteration = doPoll


def install() -> None:
    """Make it the reactor of this process. For `--reactor pop3gw`."""
    installReactor(GatewayReactor())


def install_by_default() -> None:
    """Make it the reactor of this process if none is yet."""
    if "twisted.internet.reactor" not in sys.modules:
        install()
