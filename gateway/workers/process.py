"""Forking a worker off the supervisor, and the life of that worker."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.error import ReactorNotRunning
from twisted.logger import Logger

from gateway.service import WIND_DOWN_SECONDS
from gateway.signals import stop_once
from gateway.workers.line import DEAF, READY, RELOAD, STOP, Line, connect
from gateway.workers.worker import WorkerGateway

STOP_SECONDS = WIND_DOWN_SECONDS + 5
"""How long a worker may take to end. Then it is ended, whatever it is at: by an alarm of its own,
since its supervisor may be gone."""
_FATAL = 1
_OURS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGCHLD)
_FOR_SUPERVISOR = (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
"""A terminal sends these to all processes: the supervisor tells the workers what they mean."""

_log = Logger()


def fork(serve: Callable[[], object]) -> int:
    """Start a process that calls `serve` and ends; return its number.

    Call it where no other thread runs. Raises `OSError`.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _OURS)
    pid = -1
    try:
        pid = os.fork()
    finally:
        if pid:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    if pid:
        return pid
    status = _FATAL
    try:
        serve()
        status = 0
    except BaseException:
        _log.failure("a worker failed")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def serve(
    gateway: WorkerGateway,
    number: int,
    end: socket.socket,
    others: Iterable[socket.socket],
    reactor: Any,
) -> None:
    """Serve, in a process just forked, until the supervisor says that it is enough, or is gone.

    @param end: the line to the supervisor.
    @param others: sockets of the supervisor's, which must not stay open here.
    @param reactor: as it was in the supervisor: running.
    """
    for socket_ in others:
        socket_.close()
    _renew(reactor)
    worker = _Worker(gateway, number, reactor)
    worker.begin(end)
    reactor.run()


def _renew(reactor: Any) -> None:
    """Make the reactor as it was before it ran: it must share nothing with the supervisor's."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in _FOR_SUPERVISOR:
        signal.signal(number, signal.SIG_IGN)
    vars(reactor).clear()
    reactor.__init__()


class _Worker:
    """What a worker does beside serving: it listens to the supervisor."""

    def __init__(self, gateway: WorkerGateway, number: int, reactor: Any) -> None:
        self._gateway = gateway
        self._number = number
        self._reactor = reactor
        words = {STOP: self._stop, RELOAD: gateway.reload}
        self._line = Line(words, self._stop)

    def begin(self, end: socket.socket) -> None:
        connect(self._reactor, end, self._line)
        self._gateway.begin(
            self._number, lambda: self._line.say(READY), lambda: self._line.say(DEAF)
        )
        self._reactor.addSystemEventTrigger("before", "shutdown", signal.alarm, int(STOP_SECONDS))
        self._reactor.addSystemEventTrigger("before", "shutdown", self._gateway.stopService)
        stop_once(self._reactor)
        self._reactor.callWhenRunning(signal.pthread_sigmask, signal.SIG_UNBLOCK, _OURS)
        self._gateway.startService()

    def _stop(self) -> None:
        try:
            self._reactor.stop()
        except ReactorNotRunning:
            pass  # it stops already
