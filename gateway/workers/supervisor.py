"""The process that has the ports, starts the workers, and sees to it that they live."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList

from gateway.events import WorkerEnded, WorkerStarted
from gateway.workers.line import DEAF, READY, RELOAD, STOP, Line, connect
from gateway.workers.process import STOP_SECONDS, fork, serve
from gateway.workers.worker import WorkerGateway

QUICK_SECONDS = 5.0
"""A worker that ended sooner than this after its start ended at once."""
LONGEST_DELAY = 30.0
_REAP_SECONDS = 0.01


def delay_after(quick: int) -> float:
    """Return how many seconds to wait before a start, after so many in a row that ended at once."""
    return 0.0 if quick < 2 else min(LONGEST_DELAY, 0.5 * 2.0 ** (quick - 2))


def how_it_ended(status: int) -> str:
    """Say in words how a process ended, from what `os.waitpid` gave."""
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


class Worker:
    """One of the workers, as the supervisor sees it: a place that processes take in turn.

    @ivar number: from 0.
    """

    def __init__(self, number: int, supervisor: Supervisor, reactor: Any) -> None:
        self.number = number
        self.pid: int | None = None
        self.serves = False
        self._supervisor = supervisor
        self._reactor = reactor
        self._line: Line | None = None
        self._started = 0.0
        self._quick = 0
        self._call: Any = None
        self._deaf: Deferred[None] = Deferred()
        self._gone: Deferred[None] = Deferred()

    @property
    def socket(self) -> socket.socket | None:
        """The supervisor's end of the line."""
        line = self._line
        return None if line is None or line.transport is None else line.transport.socket

    def start(self) -> None:
        """Fork a process. It is of no use to call it while there is one."""
        self._call = None
        if self._supervisor.stopping:
            return
        ours, theirs = socket.socketpair()
        others = [ours, *self._supervisor.sockets()]
        gateway = self._supervisor.gateway
        self._deaf = Deferred()
        self._started = self._reactor.seconds()
        try:
            self.pid = fork(partial(serve, gateway, self.number, theirs, others, self._reactor))
        except OSError as error:
            ours.close()
            self._replace(0, f"cannot be started: {error}")
            return
        finally:
            theirs.close()
        self._line = Line({READY: self._ready, DEAF: self._is_deaf}, self._lost)
        connect(self._reactor, ours, self._line)
        self._supervisor.emit(WorkerStarted(self.number + 1, self.pid))

    def say(self, word: bytes) -> None:
        """Tell the process something, where there is one."""
        if self._line is not None:
            self._line.say(word)

    def stop(self) -> tuple[Deferred[None], Deferred[None]]:
        """Have the process end.

        @return: what fires when it has let go of the sockets, and when it is gone.
        """
        if self._call is not None:
            self._call.cancel()
            self._call = None
        if self.pid is None:
            self._end()
        else:
            self.say(STOP)
            self._call = self._reactor.callLater(STOP_SECONDS, os.kill, self.pid, signal.SIGKILL)
        return self._deaf, self._gone

    def _ready(self) -> None:
        self.serves = True
        self._supervisor.told_ready()

    def _is_deaf(self) -> None:
        if not self._deaf.called:
            self._deaf.callback(None)

    def _lost(self) -> None:
        """The line is broken: the process is dead, or dying."""
        assert self.pid is not None
        self._line, self.serves = None, False
        found, status = os.waitpid(self.pid, os.WNOHANG)
        if not found:
            self._reactor.callLater(_REAP_SECONDS, self._lost)
            return
        pid, self.pid = self.pid, None
        self._supervisor.gateway.forget(self.number)
        if self._supervisor.stopping:
            self._end()
        else:
            self._replace(pid, how_it_ended(status))

    def _replace(self, pid: int, how: str) -> None:
        lived = self._reactor.seconds() - self._started
        self._quick = self._quick + 1 if lived < QUICK_SECONDS else 0
        delay = delay_after(self._quick)
        self._supervisor.emit(WorkerEnded(self.number + 1, pid, how, delay))
        self._call = self._reactor.callLater(delay, self.start)

    def _end(self) -> None:
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._is_deaf()
        self._gone.callback(None)


class Supervisor(Service):
    """Starts the workers when the reactor runs, and stops them.

    @param gateway: bound, and on hold.
    @param workers: how many.
    @param joined: called with what this service is made part of.
    """

    def __init__(
        self,
        gateway: WorkerGateway,
        workers: int,
        reactor: Any,
        joined: Callable[[object], object] = lambda _: None,
    ) -> None:
        self.setName("pop3gw")
        self.gateway = gateway
        self.stopping = False
        self.workers = [Worker(number, self, reactor) for number in range(workers)]
        self.emit = gateway.events.emit
        self._reactor = reactor
        self._joined = joined
        self._told = False

    def setServiceParent(self, parent: Any) -> None:
        """See `IService`."""
        super().setServiceParent(parent)
        self._joined(parent)

    def startService(self) -> None:
        """Start the workers as soon as the reactor runs."""
        super().startService()
        self.gateway.tell_surroundings()
        self._reactor.callWhenRunning(self._begin)

    def _begin(self) -> None:
        for worker in self.workers:
            # Not in one go: each is forked from a stack of its own.
            self._reactor.callLater(0, worker.start)

    def sockets(self) -> list[socket.socket]:
        """Return the sockets that no worker may keep."""
        return [end for worker in self.workers if (end := worker.socket) is not None]

    def told_ready(self) -> None:
        """Called when a worker serves. The first time that all do, that is told."""
        if not self._told and all(worker.serves for worker in self.workers):
            self._told = True
            self.gateway.tell_ready()

    def reload(self) -> None:
        """Have all workers look for renewed certificates."""
        for worker in self.workers:
            worker.say(RELOAD)

    def stopService(self) -> Deferred[None]:
        """Stop all workers, which let those they serve finish, as `GatewayService.stopService`."""
        super().stopService()
        self.stopping = True
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        stopped = [worker.stop() for worker in self.workers]
        # A socket that is closed here is shut for all of them: not while one still listens.
        await DeferredList([deaf for deaf, _ in stopped])
        await self.gateway.unbind()
        await DeferredList([gone for _, gone in stopped])
