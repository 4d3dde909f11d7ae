"""What signals mean to the gateway, beside what Twisted makes of them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

Handler = Callable[[int, FrameType | None], object]


def reload_on_hangup(reload: Callable[[], object], reactor: Any) -> None:
    """Have SIGHUP look for renewed certificates; in a terminal it means that the terminal is gone.

    @param reload: called in the reactor.
    """
    if not os.isatty(0):
        signal.signal(signal.SIGHUP, lambda *_: reactor.callFromThread(reload))


def stop_once(reactor: Any) -> None:
    """Have the first SIGINT or SIGTERM obeyed, and no further one while that is under way.

    Twisted would stop a second time, and log a traceback: for Ctrl-C twice, or for whoever signals
    a group of processes of which one passes the signal on, as `make` does.
    """
    reactor.callWhenRunning(_guard)


def _guard() -> None:
    once = _Once()
    for number in (signal.SIGINT, signal.SIGTERM):
        handler = signal.getsignal(number)
        if callable(handler):
            signal.signal(number, once.of(handler))


class _Once:
    """Lets one signal through."""

    def __init__(self) -> None:
        self._obeyed = False

    def of(self, handler: Handler) -> Handler:
        """Return a handler that calls another unless one of them was called before."""

        def handle(number: int, frame: FrameType | None) -> None:
            if not self._obeyed:
                self._obeyed = True
                handler(number, frame)

        return handle
