"""What the `pop3gw` command asks about a store. Blocks: not for a reactor thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from zope.interface import implementer

from gateway.store.folders import make_folder
from gateway.store.interfaces import (
    DeletedMessage,
    IKeepingAdministration,
    IStoreAdministration,
    Usage,
)
from gateway.store.lock import held
from gateway.store.sqlite import keeping
from gateway.store.sqlite.creation import ready_to_open
from gateway.store.sqlite.database import Database, transaction
from gateway.store.sqlite.errors import told_as_store_error
from gateway.store.sqlite.large import LargeFiles
from gateway.store.sqlite.layout import Layout
from gateway.store.sqlite.removal import remove

_SEEN = f"address NOT LIKE '%{keeping.SUFFIX}'"
"""Of mailboxes: whether it is one that sessions see."""


@contextmanager
def holding(layout: Layout, mailbox: str) -> Iterator[None]:
    """Hold a maildrop for the block. Raises `MaildropInUse` or `StoreError`."""
    place = layout.lock_folder(mailbox)
    with told_as_store_error("make the folder", place):
        make_folder(place)
    with held(place, mailbox):
        yield


@implementer(IStoreAdministration, IKeepingAdministration)
class SQLiteAdministration:
    """See `IStoreAdministration`.

    @param folder: the folder of the store; it is not made where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._layout = Layout(folder)
        self._database = Database(self._layout)

    def usage(self, mailbox: str) -> Usage:
        """See `IStoreAdministration.usage`. Raises `StoreError`."""
        if not ready_to_open(self._layout):
            return Usage(0, 0)
        with self._reading() as connection:
            query = "SELECT messages, octets FROM mailboxes WHERE address = ?"
            row = connection.execute(query, (mailbox,)).fetchone()
        return Usage(*row) if row is not None else Usage(0, 0)

    def mailboxes(self) -> list[str]:
        """See `IStoreAdministration.mailboxes`. Raises `StoreError`."""
        if not ready_to_open(self._layout):
            return []
        with self._reading() as connection:
            query = f"SELECT address FROM mailboxes WHERE {_SEEN} ORDER BY address"
            return [address for (address,) in connection.execute(query)]

    def location(self, mailbox: str) -> Path | None:  # noqa: ARG002  (the interface's)
        """See `IStoreAdministration.location`: a row is no place for a person."""
        return None

    def purge(self, mailbox: str) -> None:
        """See `IStoreAdministration.purge`."""
        if not ready_to_open(self._layout):
            return
        with holding(self._layout, mailbox):
            self._purge(mailbox)
        large = LargeFiles(self._database)
        while large.sweep():
            pass

    def _purge(self, mailbox: str) -> None:
        with self._reading() as connection, transaction(connection):
            query = "SELECT id FROM mailboxes WHERE address IN (?, ?)"
            for row in connection.execute(query, (mailbox, mailbox + keeping.SUFFIX)).fetchall():
                query = "SELECT place, number FROM messages WHERE mailbox = ? ORDER BY 1, 2"
                remove(connection, row[0], [connection.execute(query, row).fetchall()])

    def deleted(self, mailbox: str) -> list[DeletedMessage]:
        """See `IKeepingAdministration.deleted`."""
        if not ready_to_open(self._layout):
            return []
        with self._reading() as connection:
            return keeping.list_aside(connection, self._layout, mailbox)

    def undelete(self, mailbox: str, uidls: Collection[str]) -> list[str]:
        """See `IKeepingAdministration.undelete`."""
        if not ready_to_open(self._layout):
            return []
        with self._reading() as connection, transaction(connection):
            return keeping.put_back(connection, mailbox, uidls)

    def remove_overdue(self, mailbox: str, moment: float, most: int) -> int:
        """See `IKeepingAdministration.remove_overdue`."""
        if not ready_to_open(self._layout):
            return 0
        with self._reading() as connection, transaction(connection):
            removed = keeping.remove_overdue(connection, mailbox, moment, most)
        if removed:
            large = LargeFiles(self._database)
            while large.sweep():
                pass
        return removed

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with (
            self._database.connection() as connection,
            told_as_store_error("use", self._layout.database),
        ):
            yield connection
