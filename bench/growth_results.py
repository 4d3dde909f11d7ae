"""What is kept of how the gateway grows: rows of both stores, in docs/benchmarks."""

from __future__ import annotations

from collections.abc import Sequence

from bench.results import FOLDER, Results, Row, machine, save

STORES = {"maildir": "pop3gw", "sqlite": "pop3gw-sqlite"}
"""The kinds of store, and what they are called in tables."""
PLACES = ("connections", "users", "messages", "mailboxes", "start", "workers", "load")
"""What the keys of rows begin with, in the order of the table."""
_STEP = 1_000_000_000


class Growth:
    """Rows as they are measured."""

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}

    def add(self, key: str, title: str, unit: str, store: str, values: Sequence[float]) -> None:
        """Add the samples of a store to a row.

        @param key: one of `PLACES`, and the numbers that rows are sorted by, with hyphens between.
        """
        row = self._rows.setdefault(key, Row(key, title, "value", unit, place=_place(key)))
        row.samples.setdefault(STORES[store], []).extend({"value": value} for value in values)

    def show(self) -> None:
        """Print the medians, and what they are of those of the first row of their kind."""
        first: dict[str, Row] = {}
        for row in self._rows.values():
            beginning = first.setdefault(row.key.partition("-")[0], row)
            line = f"{row.title:58} {row.unit:>4}"
            for name in row.samples:
                value, before = row.median(name) or 0.0, beginning.median(name) or 1.0
                line += f"  {name} {value:8.3f} ({value / before:.2f})"
            print(line, flush=True)

    def save(self) -> None:
        """Write all samples to docs/benchmarks."""
        shown = {"pop3gw": "pop3gw, Maildir", "pop3gw-sqlite": "pop3gw, database"}
        rows = list(self._rows.values())
        save(Results("growth", "How it grows", shown, "pop3gw", "", "", machine(), rows), FOLDER)


def _place(key: str) -> int:
    kind, *numbers = key.split("-")
    place = PLACES.index(kind)
    for number in (*map(int, numbers), 0)[:2]:
        place = place * _STEP + number
    return place
