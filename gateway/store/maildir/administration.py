"""What the `pop3gw` command asks about Maildirs. Blocks: not for a reactor thread."""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection
from pathlib import Path
from secrets import token_hex

from zope.interface import implementer

from gateway.files import sync_folder
from gateway.store.disk_errors import told_as_store_error
from gateway.store.interfaces import (
    DeletedMessage,
    IKeepingAdministration,
    IStoreAdministration,
    Usage,
)
from gateway.store.lock import FolderLock
from gateway.store.maildir import aside
from gateway.store.maildir.build import list_mailbox
from gateway.store.maildir.folders import mailbox_folder, mailbox_of
from gateway.store.maildir.names import NameMaker

# No mailbox has such a name: a leading dot is escaped.
_PURGED = ".purged-"


@implementer(IStoreAdministration, IKeepingAdministration)
class MaildirAdministration:
    """See `IStoreAdministration`.

    @param root: the folder with a folder for each domain.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names = NameMaker()

    def usage(self, mailbox: str) -> Usage:
        """See `IStoreAdministration.usage`. Raises `StoreError`."""
        folder = mailbox_folder(self._root, mailbox)
        if not folder.exists():
            return Usage(0, 0)
        snapshot = list_mailbox(folder, self._names, owned=False).snapshot
        return Usage(len(snapshot), snapshot.octets)

    def mailboxes(self) -> list[str]:
        """See `IStoreAdministration.mailboxes`. Raises `StoreError`."""
        if not self._root.exists():
            return []
        with told_as_store_error("read", self._root):
            folders = [path for path in self._root.glob("*/*") if (path / "new").is_dir()]
        names = (mailbox_of(self._root, folder) for folder in folders)
        return sorted(name for name in names if name is not None)

    def location(self, mailbox: str) -> Path:
        """See `IStoreAdministration.location`."""
        return mailbox_folder(self._root, mailbox).absolute()

    def purge(self, mailbox: str) -> None:
        """See `IStoreAdministration.purge`."""
        folder = mailbox_folder(self._root, mailbox)
        try:
            lock = FolderLock.take(folder, mailbox, "", time.time())
        except FileNotFoundError:
            return
        try:
            with told_as_store_error("delete the mailbox", folder):
                for remains in folder.parent.glob(f"{_PURGED}*"):
                    shutil.rmtree(remains, ignore_errors=True)
                purged = folder.with_name(f"{_PURGED}{token_hex(8)}")
                folder.rename(purged)
                sync_folder(folder.parent)
                shutil.rmtree(purged)
                sync_folder(folder.parent)
        finally:
            lock.release()

    def deleted(self, mailbox: str) -> list[DeletedMessage]:
        """See `IKeepingAdministration.deleted`."""
        folder = mailbox_folder(self._root, mailbox)
        with told_as_store_error("read the deleted messages in", folder):
            return aside.list_aside(folder)

    def undelete(self, mailbox: str, uidls: Collection[str]) -> list[str]:
        """See `IKeepingAdministration.undelete`."""
        folder = mailbox_folder(self._root, mailbox)
        with told_as_store_error("put messages back into", folder):
            return aside.put_back(folder, uidls)

    def remove_overdue(self, mailbox: str, moment: float, most: int) -> int:
        """See `IKeepingAdministration.remove_overdue`."""
        folder = mailbox_folder(self._root, mailbox)
        with told_as_store_error("remove deleted messages of", folder):
            return aside.remove_overdue(folder, moment, most)
