"""What has happened, until it is written down."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.events import Event
from gateway.trace.rows import Copies, Doing, Row, copies_of, row_of_copies, rows_of


class Gathering:
    """Rows that wait.

    Whatever a session does meanwhile to the copies in a mailbox in one way becomes one of them:
    there may be thousands of copies.
    """

    def __init__(self) -> None:
        self._rows: list[Row | Copies] = []
        self._copies: dict[Doing, tuple[float, list[str]]] = {}
        self._count = 0

    def __len__(self) -> int:
        """Count what waits: rows, and copies."""
        return self._count

    def add(self, event: Event, now: float) -> None:
        """Take note of an event.

        @param now: seconds since the epoch.
        """
        about = copies_of(event)
        if about is None:
            rows = rows_of(event, now)
            self._rows.extend(rows)
            self._count += len(rows)
            return
        doing, lines = about
        found = self._copies.get(doing)
        if found is None:
            self._copies[doing] = now, lines
        else:
            found[1].extend(lines)
        self._count += len(lines)

    def take(self) -> list[Row | Copies]:
        """Return all rows, which wait no longer."""
        rows, copies = self._rows, self._copies
        self._rows, self._copies, self._count = [], {}, 0
        rows.extend(row_of_copies(doing, at, lines) for doing, (at, lines) in copies.items())
        return rows

    def put_back(self, rows: Sequence[Row | Copies], count: int) -> None:
        """Let rows wait once more that were taken.

        @param count: what `len` was then.
        """
        self._rows = [*rows, *self._rows]
        self._count += count
