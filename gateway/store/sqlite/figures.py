"""What a store holds and how much room it takes, and giving room back. Blocks."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from gateway.store.sqlite.layout import Layout

_PAGES_AT_ONCE = 256
"""So that nobody who delivers waits long: about 2 MB."""


@dataclass(frozen=True)
class Figures:
    """In octets, but for the numbers of messages."""

    mailboxes: list[tuple[str, int, int]]
    """Address, messages, octets; the largest first."""
    database: int
    """The database file."""
    dead: int
    """What of it deleted mail has left free. It is used again."""
    log: int
    """The write-ahead log."""
    large: int
    """All large bodies."""
    large_files: int


def figures(layout: Layout, connection: sqlite3.Connection) -> Figures:
    """Count what a store holds."""
    query = "SELECT address, messages, octets FROM mailboxes ORDER BY octets DESC, address"
    mailboxes = connection.execute(query).fetchall()
    page_octets, pages, free = _pages(connection)
    query = "SELECT count(*), coalesce(sum(octets), 0) FROM files JOIN bodies USING (number)"
    files, large = connection.execute(query).fetchone()
    log = layout.database.with_name(f"{layout.database.name}-wal")
    log_octets = log.stat().st_size if log.exists() else 0
    return Figures(mailboxes, pages * page_octets, free * page_octets, log_octets, large, files)


def free_pages(connection: sqlite3.Connection) -> int:
    """Return how many pages could be given back."""
    return _pages(connection)[2]


def compact(connection: sqlite3.Connection, advance: Callable[[], object]) -> int:
    """Give free pages back to the disk, little by little; others may read and write meanwhile.

    @param advance: called for each page.
    @return: the octets given back.
    """
    page_octets, _, left = _pages(connection)
    before = left
    while left:
        connection.execute(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})").fetchall()
        now = _pages(connection)[2]
        for _ in range(left - now):
            advance()
        if now >= left:
            break
        left = now
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    return (before - left) * page_octets


def _pages(connection: sqlite3.Connection) -> tuple[int, int, int]:
    names = ("page_size", "page_count", "freelist_count")
    page_octets, pages, free = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in names
    )
    return page_octets, pages, free
