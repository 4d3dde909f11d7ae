"""Short questions, answered on the reactor thread where that can be done without waiting."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from twisted.internet.defer import Deferred

from gateway.store.sqlite.database import Database
from gateway.store.sqlite.errors import ERRORS, primary_code, store_error, told_as_store_error

_BUSY = sqlite3.SQLITE_BUSY

P = ParamSpec("P")
Answer = TypeVar("Answer")


class Asking:
    """Asks the database from the reactor thread."""

    def __init__(self, database: Database, in_thread: Callable[..., Deferred[Any]]) -> None:
        self._database = database
        self._in_thread = in_thread

    def at_once(
        self,
        question: Callable[Concatenate[sqlite3.Connection, P], Answer],
        *values: P.args,
        **named: P.kwargs,
    ) -> Answer | Deferred[Answer]:
        """Call `question` with a connection and the values: an indexed look-up, no more.

        @return: what it returned; a Deferred of that where the database is not open or busy.
        @raise StoreError: it cannot be read.
        """
        quick = self._database.quick
        if quick is not None:
            try:
                return question(quick, *values, **named)
            except ERRORS as error:
                busy = isinstance(error, sqlite3.Error) and primary_code(error) == _BUSY
                if not busy:
                    raise store_error("read", self._database.layout.database, error) from error
        return self.in_thread(question, *values, **named)

    def in_thread(
        self,
        question: Callable[Concatenate[sqlite3.Connection, P], Answer],
        *values: P.args,
        **named: P.kwargs,
    ) -> Deferred[Answer]:
        """Call `question` off the reactor thread, with a connection and the values."""

        def ask() -> Answer:
            with (
                self._database.connection() as connection,
                told_as_store_error("read", self._database.layout.database),
            ):
                return question(connection, *values, **named)

        return self._in_thread(ask)
