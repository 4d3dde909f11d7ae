"""Short questions, answered on the reactor thread where that can be done without waiting."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from twisted.internet.defer import Deferred

from gateway.store.sqlite.database import Database
from gateway.store.sqlite.errors import ERRORS, primary_code, store_error, told_as_store_error

_BUSY = sqlite3.SQLITE_BUSY
_NOT_NOW = object()
"""No answer: the database is not open or busy."""

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
        answer = self._ask_quick(question, *values, **named)
        return self.in_thread(question, *values, **named) if answer is _NOT_NOW else answer

    def at_once_or_not(
        self,
        question: Callable[Concatenate[sqlite3.Connection, P], Answer],
        *values: P.args,
        **named: P.kwargs,
    ) -> Answer | None:
        """As `at_once`, but None where the database is not open or busy."""
        answer = self._ask_quick(question, *values, **named)
        return None if answer is _NOT_NOW else answer

    def _ask_quick(
        self,
        question: Callable[Concatenate[sqlite3.Connection, P], Answer],
        *values: P.args,
        **named: P.kwargs,
    ) -> Answer | Any:
        quick = self._database.quick
        if quick is None:
            return _NOT_NOW
        try:
            return question(quick, *values, **named)
        except ERRORS as error:
            if isinstance(error, sqlite3.Error) and primary_code(error) == _BUSY:
                return _NOT_NOW
            raise store_error("read", self._database.layout.database, error) from error

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
