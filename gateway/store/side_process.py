"""A process beside ours that does blocking work: its Python runs while ours runs, on another core.

The threads of a process take turns at the interpreter, and one that works on files gives it away
and waits for it again at every system call. While the reactor is busy, each of those waits lasts as
long as the reactor's work between two system calls of its own.
"""

from __future__ import annotations

import fcntl
import os
import pickle
import sys
from collections.abc import Sequence
from itertools import count
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from gateway.direct_write import write
from gateway.events import EventStream, Trouble
from gateway.store.code_stamp import code_stamp
from gateway.store.interfaces import OutcomeUnknown, StoreError
from gateway.store.side_work import LENGTH

RETRY_SECONDS = 60.0
"""How long after it died before its time a new one is not tried."""
STOP_SECONDS = 5.0
"""How long it may take to end when it is told to."""
PIPE_OCTETS = 1_048_576
"""How much may be on its way to it, where the system lets us choose."""

_OUR_CODE = code_stamp()
"""Taken now, when the code is loaded: later another may lie there."""


class RunningCode:
    """Tells once that the code on the disk is no longer ours. Shared by related processes.

    @param events: where that is told.
    """

    def __init__(self, events: EventStream) -> None:
        self.replaced = False
        """Whether it is not: a process that starts now would not understand us."""
        self._events = events

    def is_that_of(self, stamp: str) -> bool:
        """Say whether a process runs our code, by its `code_stamp`."""
        if stamp == _OUR_CODE:
            return True
        if not self.replaced:
            self.replaced = True
            what = "it has changed since this process started, which now stores mail by itself"
            self._events.emit(Trouble("the code of pop3gw", f"{what}: restart pop3gw"))
        return False


class Side(ProcessProtocol):
    """One life of the process."""

    transport: Any

    def __init__(self, owner: SideProcess) -> None:
        self.ready = False
        """Whether it takes calls."""
        self._owner = owner
        self._input = b""
        self._numbers = count()
        self._waiting: dict[int, Deferred[Any]] = {}
        self._ended = False
        self._stopped: Deferred[None] | None = None

    def call(self, job: Any) -> Deferred[Any]:
        """Have a job done.

        @return: a Deferred of the result; fails with the exception that the job ends with, with
            `OutcomeUnknown` when the process dies meanwhile, with another `StoreError` if it had.
        """
        pipe = self.transport.pipes.get(0)  # gone a moment before we hear that the process is
        if self._ended or self._stopped is not None or pipe is None:
            return fail(StoreError("the process that does it has ended"))
        number = next(self._numbers)
        answer = self._waiting[number] = Deferred()
        write(pipe, pickle.dumps((number, job), pickle.HIGHEST_PROTOCOL))
        return answer

    def stop(self, reactor: IReactorTime) -> Deferred[None]:
        """Let it end, once it has done what it was given."""
        self._stopped = Deferred()
        if self._ended:
            return succeed(None)
        self.transport.closeStdin()
        late = reactor.callLater(STOP_SECONDS, self.transport.signalProcess, "KILL")

        def in_time(_: object) -> None:
            if late.active():
                late.cancel()

        return self._stopped.addCallback(in_time)

    def connectionMade(self) -> None:
        """Let much be on its way."""
        try:
            fcntl.fcntl(self.transport.pipes[0].fileno(), fcntl.F_SETPIPE_SZ, PIPE_OCTETS)
        except (AttributeError, OSError):
            return  # not on every system, nor as much as one likes: it only gets slower

    def outReceived(self, data: bytes) -> None:
        """Take octets of answers."""
        self._input += data
        while len(self._input) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self._input)
            end = LENGTH.size + length
            if len(self._input) < end:
                return
            answer = pickle.loads(self._input[LENGTH.size : end])  # noqa: S301 - our own code
            self._input = self._input[end:]
            self._answered(answer)

    def _answered(self, answer: tuple[int, Any] | str) -> None:
        if isinstance(answer, str):
            self.ready = self._owner.may_use(answer)
            return
        number, result = answer
        done = self._waiting.pop(number)
        if isinstance(result, BaseException):
            done.errback(result)
        else:
            done.callback(result)

    def processEnded(self, reason: Failure) -> None:
        """Tell all who wait, and the owner if it did not want that."""
        self.ready, self._ended = False, True
        if self._stopped is None:
            self._owner.ended(reason)
        waiting, self._waiting = self._waiting, {}
        for answer in waiting.values():
            answer.errback(OutcomeUnknown(f"the process that does it died: {reason.value}"))
        if self._stopped is not None:
            self._stopped.callback(None)


class SideProcess:
    """Calls a function in another process.

    The process ends when we do, however we do; signals that stop us do not stop it.

    @param reactor: an `IReactorProcess` and `IReactorTime`.
    @param module: run as `python -m` would, where all that we can import can be imported. It calls
        `gateway.store.side_work.serve`.
    @param arguments: its command line.
    @param events: where it is told when the process dies before its time.
    @param code: what knows whether a process may still be started.
    """

    def __init__(
        self,
        reactor: Any,
        module: str,
        arguments: Sequence[str],
        events: EventStream,
        code: RunningCode,
    ) -> None:
        self._reactor = reactor
        self._module = module
        self._arguments = list(arguments)
        self._events = events
        self._code = code
        self._side: Side | None = None
        self._not_before = 0.0
        self._stopped = False

    @property
    def side(self) -> Side | None:
        """What takes calls now; None while nothing does."""
        side = self._side
        return side if side is not None and side.ready else None

    def side_or_start(self) -> Side | None:
        """Return what takes calls now; None while nothing does, and it is started then."""
        side = self.side
        if side is None:
            self.start()
        return side

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return None if self._side is None else self._side.transport.pid

    def start(self) -> None:
        """Start it, if it does not run; a moment later it takes calls."""
        if self._side is not None or self._stopped or self._code.replaced:
            return
        if self._reactor.seconds() < self._not_before:
            return
        side = Side(self)
        # -P: what lies in the current folder is found only if we would find it, too.
        command = [sys.executable, "-P", "-m", self._module, *self._arguments]
        try:
            if not self._code.is_that_of(code_stamp()):
                return
            self._reactor.spawnProcess(
                side,
                sys.executable,
                command,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                childFDs={0: "w", 1: "r", 2: 2},
            )
        except OSError as error:  # no descriptors, no memory: it is done without
            self._give_up(f"it cannot be started: {error}")
            return
        self._side = side

    def stop(self) -> Deferred[None]:
        """Let it end, once it has done what it was given."""
        self._stopped = True
        side, self._side = self._side, None
        return succeed(None) if side is None else side.stop(self._reactor)

    def may_use(self, stamp: str) -> bool:
        """Say whether the process that has started runs our code; otherwise let it end.

        What lies on the disk may have changed while it read it.
        """
        if self._code.is_that_of(stamp):
            return True
        side, self._side = self._side, None
        if side is not None:
            side.stop(self._reactor)
        return False

    def ended(self, reason: Failure) -> None:
        """The process is gone, and nobody asked it to."""
        self._side = None
        self._give_up(f"it ended before its time: {reason.getErrorMessage()}")

    def _give_up(self, what: str) -> None:
        self._not_before = self._reactor.seconds() + RETRY_SECONDS
        self._events.emit(Trouble(f"the process {self._module}", what))
