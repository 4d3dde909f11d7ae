"""A gateway as one of several processes serves it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from gateway.service import GatewayService
from gateway.workers.door import Door
from gateway.workers.postponed import Postponed

POLITE_SECONDS = 0.0002
"""How long a worker leaves a new connection to those that have fewer."""
FULL_SECONDS = 0.02
"""How long one waits that is too many: another may have ended, and its worker not know it yet."""


class WorkerGateway(GatewayService):
    """Built and bound by the supervisor; `begin` comes first in the process that serves."""

    upkeep = False
    """Whether this worker renews certificates and looks after mailboxes: one does it for all."""
    postponed = Postponed()
    """What is to happen when the reactor runs in a worker."""
    _doors: Sequence[Door] = ()

    def hold(self) -> None:
        """Have everything wait for workers: the listeners, and what all of them are to share.

        @raise ConfigError: one of them cannot.
        """
        for listener in self.every_listener():
            self._attempt(listener, listener.hold)
        self._tls.certificates.prepare()

    def begin(self, number: int, ready: Callable[[], object], deaf: Callable[[], object]) -> None:
        """This process is worker `number`, from 0.

        @param ready: called when it serves.
        @param deaf: called when it stops, and has let go of all sockets.
        """
        assert self._parts.tables is not None
        self.postponed.ask(self._reactor)
        self._counts = self._parts.tables.connections
        self._limits: Any = self._factories[0].limits
        self._parts.tables.begin(number)
        self._answers.supervisor = os.getppid()
        self._tell_ready = ready
        self._tell_deaf = deaf
        self.upkeep = number == 0
        if not self.upkeep:
            for service in list(self):
                service.disownServiceParent()

    def forget(self, number: int) -> None:
        """In the supervisor: worker `number` is no more."""
        assert self._parts.tables is not None
        self._parts.tables.forget(number)

    async def unbind(self) -> None:
        """In the supervisor: close the sockets, when all workers have let go of them."""
        await super()._stop_listeners()

    def _start_duties(self) -> None:
        if self.upkeep:
            self._upkeep.start()

    def _ready(self, _: object) -> None:
        listeners = self.every_listener() if self.upkeep else self.listeners
        self._doors = [Door(listener.hold(), self, self._reactor) for listener in listeners]
        self._counts.serve(True)
        for door in self._doors:
            door.open()
        self._tell_ready()

    def pause(self) -> float:
        """See `Doorkeeper.pause`."""
        if self._limits.full:
            return FULL_SECONDS
        return 0.0 if self._counts.room() else POLITE_SECONDS

    def room(self) -> int:
        """See `Doorkeeper.room`."""
        return self._counts.room()

    async def _stop_listeners(self) -> None:
        self._counts.serve(False)
        for door in self._doors:
            door.close()
        for listener in self.every_listener():
            listener.let_go()
        self._tell_deaf()
