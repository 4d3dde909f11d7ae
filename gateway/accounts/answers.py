"""Answers of a database file, remembered for as long as nobody writes to it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from gateway.accounts.sqlite_file import SQLiteFile, Version

MOST_ANSWERS = 10_000
"""How many are kept for each thread: a few megabytes at most."""

T = TypeVar("T")


class Answers:
    """Asks a question again only where something was written since. For any thread.

    To see that nothing was costs a tenth of what the questions for one recipient do.

    @param file: the file that the questions are about, and nothing else.
    """

    def __init__(self, file: SQLiteFile) -> None:
        self._file = file
        self._local = threading.local()

    def version(self) -> Version:
        """Return what changes whenever an answer may have changed.

        @raise DatabaseUnavailable: the file cannot be read now.
        """
        return self._file.version()

    def get(self, ask: Callable[..., T], *question: str) -> T:
        """Return what `ask` returns for this question, which must be a value that never changes.

        @raise DatabaseUnavailable: the file cannot be read now.
        """
        version = self._file.version()
        known = self._known(version)
        key = (ask.__name__, *question)
        try:
            return known[key]
        except KeyError:
            pass
        # Of a write in the meantime the answer may know already: it is then asked for again.
        answer = ask(*question)
        if len(known) >= MOST_ANSWERS:
            known.clear()
        known[key] = answer
        return answer

    def _known(self, version: Version) -> dict[tuple[str, ...], Any]:
        """Return this thread's answers, none if the file has changed."""
        if getattr(self._local, "version", None) != version:
            self._local.version = version
            self._local.known = {}
        return self._local.known
