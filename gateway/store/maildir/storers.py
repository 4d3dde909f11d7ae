"""Who writes messages to the disk: threads of this process, or processes beside it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred, gatherResults
from twisted.python.failure import Failure

from gateway.events import EventStream
from gateway.store.group_commit import GroupCommit
from gateway.store.in_thread import InThread
from gateway.store.interfaces import MessageAttributes, OutcomeUnknown, StoreError
from gateway.store.maildir.incoming import IncomingMessage
from gateway.store.maildir.names import NameMaker
from gateway.store.maildir.spool import Spool
from gateway.store.maildir.storing import Stored, Storing, store_all
from gateway.store.maildir.storing_jobs import Add, Drop, Store
from gateway.store.side_process import RunningCode, Side, SideProcess

MODULE = "gateway.store.maildir.storing_process"
"""What the process runs."""


YIELDING = 10
"""The niceness of the process for large messages: it works long for each, and nobody else is to
wait for that. Measured: a NOOP beside a message of 25 MB waits 5 ms at most, and 30 ms where both
have equal rights."""


class StoringProcesses(NamedTuple):
    """Processes that store messages, started when they are needed."""

    small: SideProcess
    """For messages that fit into memory, in groups."""
    large: SideProcess
    """For those that go to the spool while they arrive."""


def storing_processes(
    reactor: Any, root: Path, spool: Path, events: EventStream
) -> StoringProcesses:
    """Return processes that are not started yet.

    @param reactor: starts them.
    @param root: see `Storers`.
    @param spool: where their messages lie before they are stored.
    @param events: where their death is told.
    """
    common = [str(root), str(spool)]
    code = RunningCode(events)
    return StoringProcesses(
        SideProcess(reactor, MODULE, [*common, "0"], events, code),
        SideProcess(reactor, MODULE, [*common, str(YIELDING)], events, code),
    )


class Storers:
    """Finds somebody for each message. Nothing ever waits for a process to start.

    @param root: the folder with a folder for each domain.
    @param spool: where messages of threads lie before they are stored.
    @param names: makes the names of what threads store.
    @param in_thread: calls a function with arguments off the reactor thread.
    @param processes: see `storing_processes`; None for threads only.
    """

    def __init__(
        self,
        root: Path,
        spool: Spool,
        names: NameMaker,
        in_thread: InThread,
        processes: StoringProcesses | None,
    ) -> None:
        self._root = root
        self._spool = spool
        self._names = names
        self._in_thread = in_thread
        self._processes = processes
        self._groups = GroupCommit(self._store_group)
        self._numbers = count()

    def store(
        self, attributes: MessageAttributes, blocks: Sequence[bytes], mailboxes: Sequence[str]
    ) -> Deferred[Stored]:
        """Store a small message, together with others that are ready."""
        return self._groups.do((attributes, blocks, mailboxes))

    def spool(self, attributes: MessageAttributes) -> SpooledInThread | SpooledBeside:
        """Begin a message that is too large to wait in memory."""
        if self._processes is not None:
            side = self._processes.large.side_or_start()
            if side is not None:
                return SpooledBeside(side, next(self._numbers), attributes)
        return SpooledInThread(self._root, self._new(attributes), self._in_thread)

    def stop(self) -> Deferred[None]:
        """Let the processes end."""
        ending = [process.stop() for process in self._processes or ()]
        return gatherResults(ending).addCallback(lambda _: None)

    def _store_group(self, group: Sequence[Any]) -> Deferred[Any]:
        if self._processes is not None:
            side = self._processes.small.side
            if side is not None:
                return side.call(Store([(None, *one) for one in group]))
            if len(group) > 1:
                # Where messages come one by one it is not needed.
                self._processes.small.start()
        storing = [Storing(self._new(one[0]), one[1], one[2]) for one in group]
        return self._in_thread(store_all, self._root, storing)

    def _new(self, attributes: MessageAttributes) -> IncomingMessage:
        return IncomingMessage(self._spool, self._names, attributes)


class SpooledInThread:
    """A message in the spool of this process."""

    def __init__(self, root: Path, message: IncomingMessage, in_thread: InThread) -> None:
        self._root = root
        self._message = message
        self._in_thread = in_thread

    def add(self, blocks: Sequence[bytes]) -> Deferred[None]:
        """Add octets. Fails with `StoreError`."""
        return self._in_thread(self._message.add, blocks)

    def discard(self) -> None:
        """Give it up."""
        self._in_thread(self._message.discard)

    def store(self, blocks: Sequence[bytes], mailboxes: Sequence[str]) -> Deferred[Stored]:
        """Add the last octets and store it. Fails with `StoreError`, or as `Side.call` does."""
        storing = Storing(self._message, blocks, mailboxes)
        return self._in_thread(store_all, self._root, [storing]).addCallback(_only_one)


class SpooledBeside:
    """A message in the spool of the process beside us; gone when that process is."""

    def __init__(self, side: Side, number: int, attributes: MessageAttributes) -> None:
        self._side = side
        self._number = number
        self._attributes = attributes

    def add(self, blocks: Sequence[bytes]) -> Deferred[None]:
        """See `SpooledInThread.add`."""
        added = self._side.call(Add(self._number, self._attributes, blocks))
        return added.addErrback(_surely_not_stored)

    def discard(self) -> None:
        """See `SpooledInThread.discard`."""
        self._side.call(Drop(self._number)).addErrback(lambda _: None)  # it is gone as well

    def store(self, blocks: Sequence[bytes], mailboxes: Sequence[str]) -> Deferred[Stored]:
        """See `SpooledInThread.store`."""
        job = Store([(self._number, self._attributes, blocks, mailboxes)])
        return self._side.call(job).addCallback(_only_one)


def _surely_not_stored(failure: Failure) -> None:
    failure.trap(OutcomeUnknown)
    raise StoreError(str(failure.value))


def _only_one(results: Sequence[Stored | Exception]) -> Stored:
    (result,) = results
    if isinstance(result, Exception):
        raise result
    return result
