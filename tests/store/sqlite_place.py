"""A SQLite store in a folder of its own, to be put to the test."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock

from gateway.events import EventStream
from gateway.store.sqlite import SQLiteAdministration, SQLiteStore
from gateway.store.sqlite.layout import Layout
from tests.store.conformance import Place


class SQLitePlace(Place):
    """The store in `folder`/sqlite."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.layout = Layout(folder / "sqlite")
        self.clock = Clock()
        self.settings = settings
        self.told: list[Any] = []
        self.stores: list[SQLiteStore] = []
        self.store = self.another()
        self.administration = SQLiteAdministration(self.layout.folder)

    def another(
        self,
        in_thread: Callable[..., Deferred[Any]] = maybeDeferred,
        reactor: IReactorTime | None = None,
    ) -> SQLiteStore:
        """See `Place.another`."""
        store = SQLiteStore(
            self.layout.folder,
            in_thread=in_thread,
            reactor=self.clock if reactor is None else reactor,
            events=EventStream(self.told.append),
            **self.settings,
        )
        store.start()
        self.stores.append(store)
        return store

    def close(self) -> None:
        """Close all stores."""
        for store in self.stores:
            store.stop()

    def restart(self) -> None:
        """See `Place.restart`."""
        self.stores.remove(self.store)
        self.store.stop()
        self.store = self.another()

    def query(self, statement: str, *values: object) -> list[Any]:
        """Run a statement on a connection of its own."""
        with closing(sqlite3.connect(self.layout.database)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    def remove_behind_its_back(self, mailbox: str, index: int) -> None:
        """See `Place.remove_behind_its_back`."""
        ((row,),) = self.query("SELECT id FROM mailboxes WHERE address = ?", mailbox)
        query = "SELECT place, number FROM messages WHERE mailbox = ? ORDER BY place, number"
        place, number = self.query(query, row)[index]
        self.query(
            "DELETE FROM messages WHERE mailbox = ? AND place = ? AND number = ?",
            row,
            place,
            number,
        )
        self.query("UPDATE mailboxes SET messages = messages - 1 WHERE id = ?", row)

    def files(self) -> list[Path]:
        """Return the files of all large bodies."""
        return sorted(path for path in self.layout.large.rglob("*") if path.is_file())
