"""Who writes messages to the disk: threads of this process, or a process beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from gateway.events import EventStream
from gateway.store.group_commit import GroupCommit
from gateway.store.interfaces import MessageAttributes, OutcomeUnknown, StoreError
from gateway.store.maildir.incoming import IncomingMessage
from gateway.store.maildir.names import NameMaker
from gateway.store.maildir.spool import Spool
from gateway.store.maildir.storing import Stored, Storing, store_all
from gateway.store.maildir.storing_jobs import Add, Drop, Store
from gateway.store.side_process import Side, SideProcess

MODULE = "gateway.store.maildir.storing_process"
"""What the process runs."""

InThread = Callable[..., Deferred[Any]]


def storing_process(reactor: Any, root: Path, spool: Path, events: EventStream) -> SideProcess:
    """Return a process that stores messages, not started yet.

    @param reactor: starts it.
    @param root: see `Storers`.
    @param spool: where its messages lie before they are stored.
    @param events: where its death is told.
    """
    return SideProcess(reactor, MODULE, [str(root), str(spool)], events)


class Storers:
    """Finds somebody for each message. Nothing ever waits for the process to start.

    @param root: the folder with a folder for each domain.
    @param spool: where messages of threads lie before they are stored.
    @param names: makes the names of what threads store.
    @param in_thread: calls a function with arguments off the reactor thread.
    @param process: see `storing_process`; None for threads only.
    """

    def __init__(
        self,
        root: Path,
        spool: Spool,
        names: NameMaker,
        in_thread: InThread,
        process: SideProcess | None,
    ) -> None:
        self._root = root
        self._spool = spool
        self._names = names
        self._in_thread = in_thread
        self._process = process
        self._groups = GroupCommit(self._store_group)
        self._numbers = count()

    def store(
        self, attributes: MessageAttributes, blocks: Sequence[bytes], mailboxes: Sequence[str]
    ) -> Deferred[Stored]:
        """Store a small message, together with others that are ready."""
        return self._groups.do((attributes, blocks, mailboxes))

    def spool(self, attributes: MessageAttributes) -> SpooledInThread | SpooledBeside:
        """Begin a message that is too large to wait in memory."""
        side = self._process.side if self._process is not None else None
        if side is not None:
            return SpooledBeside(side, next(self._numbers), attributes)
        if self._process is not None:
            self._process.start()
        return SpooledInThread(self._root, self._new(attributes), self._in_thread)

    def stop(self) -> Deferred[None]:
        """Let the process end."""
        return succeed(None) if self._process is None else self._process.stop()

    def _store_group(self, group: Sequence[Any]) -> Deferred[Any]:
        process = self._process
        if process is not None:
            if process.side is not None:
                return process.side.call(Store([(None, *one) for one in group]))
            if len(group) > 1:
                # Where messages come one by one it is not needed.
                process.start()
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
