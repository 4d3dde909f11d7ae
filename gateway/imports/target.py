"""Our mail store, for a command that waits: every call here blocks until it is done.

No reactor runs. Threads do what the store would do in threads, and what they are done with is
taken up wherever this waits.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from hashlib import sha256
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from gateway.client import Client
from gateway.files import Owner, acting_as
from gateway.store.interfaces import IBulkStore, MessageAttributes, StoreError
from gateway.store.kinds import open_store

THREADS = 16
IN_FLIGHT = 128
"""How many messages are on their way to the disk at once: a disk writes many as fast as one, and
a database stores them in one transaction."""

_AS_WE_ARE = nullcontext()

_STEP = 0.05
"""Seconds between two looks at the clock."""


class Target:
    """The store of a data folder.

    @param kind: of the store.
    @param owner: with whose rights it is used, where root works for another user.
    """

    def __init__(self, kind: str, data: Path, owner: Owner | None) -> None:
        self._clock = Clock()
        self._owner = owner
        self._threads = ThreadPoolExecutor(THREADS)
        self._done: SimpleQueue[tuple[Deferred[Any], Any]] = SimpleQueue()
        # Rights are those of the whole process: nothing may be written while something is read.
        self.in_flight = IN_FLIGHT if owner is None else 1
        """How many messages may be stored at once."""
        with acting_as(owner):
            store: Any = open_store(kind, data, in_thread=self._in_thread, reactor=self._clock)
            store.start()
        self.store = store
        self.bulk = store.bulk_writer() if IBulkStore.providedBy(store) else None
        """What stores many messages together, where the store has such a thing."""

    def close(self) -> None:
        """Let go of the store."""
        with self._acting():
            self.wait(self.store.stop())
        self._threads.shutdown()

    @contextmanager
    def mailbox(self, mailbox: str) -> Iterator[TargetMailbox]:
        """Hold a mailbox, so that no client sees it half filled.

        @raise MaildropInUse: a client is reading it.
        @raise StoreError: it cannot be opened.
        """
        with self._acting():
            client = Client("import", "127.0.0.1", connected_at=time.time())
            maildrop = self.wait(self.store.open_maildrop(mailbox, client))
        try:
            yield TargetMailbox(self, maildrop)
        finally:
            with self._acting():
                maildrop.release()

    def wait(self, answer: Any) -> Any:
        """Return what a Deferred, or a plain value, gives in the end."""
        if not isinstance(answer, Deferred):
            return answer
        outcome: list[Any] = []
        answer.addBoth(outcome.append)
        while not outcome:
            try:
                done, result = self._done.get(timeout=_STEP)
            except Empty:
                self._clock.advance(_STEP)
            else:
                done.callback(result)
        if isinstance(outcome[0], Failure):
            outcome[0].raiseException()
        return outcome[0]

    def _in_thread(self, call: Callable[..., Any], *values: Any, **named: Any) -> Deferred[Any]:
        answer: Deferred[Any] = Deferred()

        def run() -> None:
            try:
                result = call(*values, **named)
            except Exception:
                result = Failure()
            self._done.put((answer, result))

        self._threads.submit(run)
        return answer

    def _acting(self) -> AbstractContextManager[None]:
        return acting_as(self._owner) if self._owner is not None else _AS_WE_ARE


class TargetMailbox:
    """One mailbox of ours while it is held."""

    def __init__(self, target: Target, maildrop: Any) -> None:
        self._target = target
        self._maildrop = maildrop
        self.sizes: Sequence[int] = maildrop.snapshot.sizes
        self.uidls: Sequence[str] = maildrop.snapshot.uidls
        self._digests: dict[int, bytes] = {}
        self._storing: deque[Deferred[None]] = deque()

    def digest(self, index: int) -> bytes:
        """Return the SHA-256 of a message. Raises `StoreError`."""
        if index not in self._digests:
            with self._target._acting():
                self._digests[index] = self._read_digest(index)
        return self._digests[index]

    def _read_digest(self, index: int) -> bytes:
        wait = self._target.wait
        reader = wait(self._maildrop.open_message(index))
        digest = sha256()
        try:
            while block := wait(reader.read()):
                digest.update(block)
        finally:
            reader.close()
        return digest.digest()

    def store(
        self,
        blocks: Iterable[bytes],
        attributes: MessageAttributes,
        stored: Callable[[str], object],
    ) -> None:
        """Have a message stored, which may take until `finish`.

        @param stored: called with its unique-id when it is on stable storage.
        @raise StoreError: this one, or one before it, cannot be stored.
        """
        wait, bulk = self._target.wait, self._target.bulk
        if bulk is not None:
            with self._target._acting():
                bulk.put(
                    self._maildrop.mailbox, attributes, blocks, lambda copy, _: stored(copy.uidl)
                )
            return
        with self._target._acting():
            writer = self._target.store.begin_delivery(attributes)
            try:
                for block in blocks:
                    wait(writer.write(block))
                commit = writer.commit([self._maildrop.mailbox])
            finally:
                writer.abort()
            self._storing.append(commit.addCallback(lambda copies: stored(copies[0].uidl)))
            while len(self._storing) >= self._target.in_flight:
                wait(self._storing.popleft())

    def finish(self) -> None:
        """Wait until all is stored. Raises the first `StoreError`."""
        failed: StoreError | None = None
        with self._target._acting():
            if self._target.bulk is not None:
                self._target.bulk.flush()
            while self._storing:
                try:
                    self._target.wait(self._storing.popleft())
                except StoreError as error:
                    failed = failed or error
        if failed is not None:
            raise failed

    def delete(self, indexes: Sequence[int]) -> None:
        """Delete messages, durably. Raises `StoreError`."""
        if indexes:
            with self._target._acting():
                left = self._target.wait(self._maildrop.commit(indexes))
            if left:
                raise StoreError(f"{len(left)} messages cannot be deleted, and are here twice now")
