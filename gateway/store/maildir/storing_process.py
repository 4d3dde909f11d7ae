"""What runs in the process beside the gateway, and stores and removes messages: see `side_process`.

Arguments: the root of the mailboxes, the spool, by how much it yields to others (see `nice`).
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from gateway.store.interfaces import MessageAttributes, StoreError
from gateway.store.maildir.aside import take_out
from gateway.store.maildir.incoming import IncomingMessage
from gateway.store.maildir.names import NameMaker
from gateway.store.maildir.spool import Spool
from gateway.store.maildir.storing import Stored, Storing, store_all
from gateway.store.maildir.storing_jobs import Add, Drop, Remove, Store
from gateway.store.side_work import Answer, serve

THREADS = 8
"""How many groups and large messages are stored at the same time at most."""


class StoringProcess:
    """Does the jobs."""

    def __init__(self, root: Path, spool: Spool, names: NameMaker) -> None:
        self._root = root
        self._spool = spool
        self._names = names
        self._messages: dict[int, IncomingMessage] = {}
        self._threads = ThreadPoolExecutor(THREADS)

    def work(self, job: Add | Drop | Store | Remove, answer: Answer) -> None:
        """Do a job: at once what is short, in a thread what waits for the disk."""
        if isinstance(job, Store):
            group = [
                Storing(self._message(number, attributes), blocks, mailboxes)
                for number, attributes, blocks, mailboxes in job.messages
            ]
            self._threads.submit(self._store, group, answer)
        elif isinstance(job, Remove):
            self._threads.submit(lambda: answer(_tried(_take_out, job)))
        else:
            answer(_tried(self._add if isinstance(job, Add) else self._drop, job))

    def stop(self) -> None:
        """Finish all jobs."""
        self._threads.shutdown()

    def _message(self, number: int | None, attributes: MessageAttributes) -> IncomingMessage:
        known = self._messages.pop(number, None) if number is not None else None
        return known or IncomingMessage(self._spool, self._names, attributes)

    def _add(self, job: Add) -> None:
        message = self._message(job.message, job.attributes)
        self._messages[job.message] = message
        message.add(job.blocks)

    def _drop(self, job: Drop) -> None:
        message = self._messages.pop(job.message, None)
        if message is not None:
            message.discard()

    def _store(self, group: Sequence[Storing], answer: Answer) -> None:
        results = _tried(lambda _: store_all(self._root, group), None)
        answer([_portable(one) for one in results] if isinstance(results, list) else results)


def _take_out(job: Remove) -> set[str]:
    return take_out(job.folder, job.paths, job.until)


def _tried(do: Callable[[Any], object], job: Any) -> object:
    """Do a job; return what it returns or raises."""
    try:
        return do(job)
    except Exception as error:
        return _portable(error)


def _portable(result: Stored | Exception) -> Stored | Exception:
    """Make of an exception nobody thought of one that can be pickled."""
    if isinstance(result, Stored | StoreError):
        return result
    return RuntimeError("".join(traceback.format_exception(result)))


def main(root: str, spool_folder: str, niceness: str) -> None:
    """Store messages until no more come."""
    os.nice(int(niceness))
    spool = Spool(Path(spool_folder))
    spool.start()
    process = StoringProcess(Path(root), spool, NameMaker())
    try:
        serve(process.work)
    finally:
        process.stop()
        spool.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
