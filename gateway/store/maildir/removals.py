"""Who takes deleted messages away: a thread of this process, or the process beside it."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.python.failure import Failure

from gateway.store.in_thread import InThread
from gateway.store.interfaces import StoreError
from gateway.store.maildir.aside import take_out
from gateway.store.maildir.listing import Listing
from gateway.store.maildir.storers import StoringProcesses
from gateway.store.maildir.storing_jobs import Remove

PARALLEL = 2
"""More threads that do nothing but call the system mostly wait for the interpreter's lock."""
MANY = 32
"""For fewer messages a thread costs less than to ask the process."""
MOST = 4096
"""To tell the process of more would hold up everybody else."""


class Removals:
    """Has messages removed, or set aside.

    @param in_thread: calls a function with arguments off the reactor thread.
    @param processes: the one for large messages removes many, too; None for threads only.
    """

    def __init__(self, in_thread: InThread, processes: StoringProcesses | None) -> None:
        self._in_thread = in_thread
        self._process = processes.large if processes is not None else None
        self._under_way = DeferredSemaphore(PARALLEL)

    def take_away(
        self, listing: Listing, deleted: Sequence[int], until: float | None
    ) -> Deferred[set[str]]:
        """Take messages out of the view of sessions, durably.

        @param deleted: their indexes in the listing.
        @param until: see `IKeepingMaildrop.set_aside`; None to remove them for good.
        @return: the base names of those that are still there, or may be after a crash.
        """
        return self._under_way.run(self._take_away, listing, deleted, until)

    def _take_away(
        self, listing: Listing, deleted: Sequence[int], until: float | None
    ) -> Deferred[set[str]]:
        side = None
        if self._process is not None and MANY <= len(deleted) <= MOST:
            side = self._process.side_or_start()
        if side is None:
            return self._in_thread(_take_listed, listing, deleted, until)
        job = Remove(listing.folder, listing.paths(deleted), until)
        return side.call(job).addErrback(self._do_it_again, listing, deleted, until)

    def _do_it_again(
        self, failure: Failure, listing: Listing, deleted: Sequence[int], until: float | None
    ) -> Deferred[set[str]]:
        """The process died. What it has taken away already is found gone."""
        failure.trap(StoreError)
        return self._in_thread(_take_listed, listing, deleted, until)


def _take_listed(listing: Listing, deleted: Sequence[int], until: float | None) -> set[str]:
    return take_out(listing.folder, listing.paths(deleted), until)
