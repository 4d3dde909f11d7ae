"""What mailboxes hold, kept up to date cheaply enough to be asked at every recipient."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from gateway.shared.tally import Delivered, SharedTally
from gateway.store.disk_errors import told_as_store_error
from gateway.store.in_thread import InThread
from gateway.store.interfaces import StoredCopy, Usage
from gateway.store.maildir.folders import SUBFOLDERS, escape, mailbox_folder
from gateway.store.maildir.listing import Stamp, folder_stamp, is_settled
from gateway.store.maildir.names import parse
from gateway.store.maildir.slices import SLICE, let_others_run
from gateway.store.maildir.storing import Stored

TRUSTED_SECONDS = 10.0
"""For how long a count is taken for right, own deliveries added, without a look at the folder."""
_MOST_FOLDERS = 50_000


class _Known(NamedTuple):
    usage: Usage
    counted_at: float
    elsewhere: Delivered = Delivered(0, 0)
    """What other workers had delivered before."""


class UsageBook:
    """Knows what each mailbox holds; counts where it does not. Used on the reactor thread.

    A count is kept for a folder for as long as the times of its subfolders say that nothing
    changed; what this process delivers is added meanwhile, so that a busy mailbox is not counted
    after each message.

    @param root: the folder with a folder for each domain.
    @param in_thread: calls a function with arguments off the reactor thread.
    @param clock: for the age of counts.
    @param tally: what other workers deliver; None where there is one process.
    """

    def __init__(
        self,
        root: Path,
        in_thread: InThread,
        clock: IReactorTime,
        tally: SharedTally | None = None,
    ) -> None:
        self._tally = tally
        self._root = root
        self._in_thread = in_thread
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._waiting: dict[str, list[Deferred[Usage]]] = {}
        self._overtaken: set[str] = set()
        """What was delivered to while it was counted: nobody knows whether that is in the count."""
        self._counted = FolderCounts()

    def usage(self, mailbox: str, fresh: bool) -> Usage | Deferred[Usage]:
        """See `IMailStore.usage`."""
        known = self._known.get(mailbox)
        if known is not None and not fresh and self._age(known) < TRUSTED_SECONDS:
            return known.usage if self._tally is None else self._with_others(mailbox, known)
        counted: Deferred[Usage] = Deferred()
        waiting = self._waiting.setdefault(mailbox, [])
        waiting.append(counted)
        if len(waiting) == 1:
            elsewhere = self._elsewhere(mailbox)  # before it is counted: rather too high
            self._in_thread(self._count, mailbox).addBoth(self._tell, mailbox, elsewhere)
        return counted

    def add(self, stored: Stored) -> list[StoredCopy]:
        """Take note of a message that was delivered; return its copies."""
        copies, octets = stored
        for copy in copies:
            for name in (copy.mailbox, "@" + copy.mailbox.rpartition("@")[2]):
                if name in self._waiting:
                    self._overtaken.add(name)
                if self._tally is not None:
                    self._tally.add(name, octets)
                known = self._known.get(name)
                if known is not None:
                    usage = Usage(known.usage.messages + 1, known.usage.octets + octets)
                    self._known[name] = known._replace(usage=usage)
        return copies

    def _age(self, known: _Known) -> float:
        return self._clock.seconds() - known.counted_at

    def _elsewhere(self, mailbox: str) -> Delivered:
        return Delivered(0, 0) if self._tally is None else self._tally.elsewhere(mailbox)

    def _with_others(self, mailbox: str, known: _Known) -> Usage:
        now, then = self._elsewhere(mailbox), known.elsewhere
        return Usage(
            known.usage.messages + now.messages - then.messages,
            known.usage.octets + now.octets - then.octets,
        )

    def _tell(self, result: Usage | Failure, mailbox: str, elsewhere: Delivered) -> None:
        if isinstance(result, Usage):
            if len(self._known) >= _MOST_FOLDERS:
                self._known.clear()
            age = TRUSTED_SECONDS if mailbox in self._overtaken else 0.0
            self._known[mailbox] = _Known(result, self._clock.seconds() - age, elsewhere)
        self._overtaken.discard(mailbox)
        for waiting in self._waiting.pop(mailbox):
            waiting.callback(result)

    def _count(self, mailbox: str) -> Usage:
        """Count a mailbox or a domain. Called in a thread. Raises `StoreError`."""
        if not mailbox.startswith("@"):
            folder = mailbox_folder(self._root, mailbox)
            with told_as_store_error("count the mailbox", folder):
                return self._counted.count(folder)
        domain = self._root / escape(mailbox[1:])
        with told_as_store_error("count the mailboxes in", domain):
            try:
                folders = [path for path in domain.iterdir() if not path.name.startswith(".")]
            except FileNotFoundError:
                return Usage(0, 0)
            counts = [self._counted.count(folder) for folder in folders]
        return Usage(sum(c.messages for c in counts), sum(c.octets for c in counts))


class FolderCounts:
    """Counts mailbox folders, each again only when it has changed. Blocks; for any thread."""

    def __init__(self) -> None:
        self._counts: dict[Path, tuple[Stamp, Usage]] = {}

    def count(self, folder: Path) -> Usage:
        """Return what is in a folder, which need not exist. Raises `OSError`."""
        try:
            stamp = folder_stamp(folder)
        except FileNotFoundError:
            return Usage(0, 0)
        known = self._counts.get(folder)
        if known is not None and known[0] == stamp:
            return known[1]
        usage = count_folder(folder)
        if is_settled(stamp):
            if len(self._counts) >= _MOST_FOLDERS:
                self._counts.clear()
            self._counts[folder] = stamp, usage
        return usage


def count_folder(folder: Path) -> Usage:
    """Count messages and octets by the names of the files. Blocks. Raises `OSError`.

    A file whose name does not tell its size with CRLF line ends counts as large as it is.
    """
    messages = octets = 0
    for subfolder in SUBFOLDERS[1:]:
        with os.scandir(folder / subfolder) as entries:
            for number, entry in enumerate(entries):
                if not number % SLICE:
                    let_others_run()
                size = _octets(entry)
                if size is not None:
                    messages += 1
                    octets += size
    return Usage(messages, octets)


def _octets(entry: os.DirEntry[str]) -> int | None:
    """Return the octets of a message, None where it is none."""
    if entry.name.startswith("."):
        return None
    size = parse(entry.name.partition(":")[0])[2]
    if size >= 0:
        return size
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
