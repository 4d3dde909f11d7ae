"""Aliases may lead to aliases: where they end, and what would make them go round."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from gateway.accounts.rows import targets_of, user_row

_USERS_BEHIND = """
WITH RECURSIVE reached (address) AS (
    VALUES (?)
    UNION
    SELECT target FROM alias_targets JOIN reached ON alias = reached.address
)
SELECT users.* FROM users JOIN reached USING (address) LIMIT ?
"""


def users_behind(connection: sqlite3.Connection, address: str, most: int) -> list[sqlite3.Row]:
    """Return the rows of up to `most` users that `address` leads to; a user leads to itself."""
    return connection.execute(_USERS_BEHIND, (address, most)).fetchall()


def leads_back(connection: sqlite3.Connection, alias: str, target: str) -> bool:
    """Say whether `target` is, or leads to, `alias`.

    An address that nobody has leads to the catch-all of its domain.
    """
    reached: set[str] = set()
    open_ = [target]
    while open_:
        address = open_.pop()
        if address == alias:
            return True
        if address not in reached:
            reached.add(address)
            open_ += _next_addresses(connection, address)
    return False


def _next_addresses(connection: sqlite3.Connection, address: str) -> Sequence[str]:
    targets = targets_of(connection, address)
    if targets or user_row(connection, address) is not None or address.startswith("@"):
        return targets
    return ["@" + address.rpartition("@")[2]]


def drop_target(connection: sqlite3.Connection, target: str) -> list[str]:
    """Take an address that goes out of every alias; an alias left without a target goes too.

    @return: the aliases that changed or went.
    """
    changed: list[str] = []
    gone = [target]
    while gone:
        address = gone.pop()
        touched = _aliases_of(connection, address)
        connection.execute("DELETE FROM alias_targets WHERE target = ?", (address,))
        changed += (alias for alias in touched if alias not in changed)
        for alias in _without_target(connection, touched):
            connection.execute("DELETE FROM aliases WHERE address = ?", (alias,))
            gone.append(alias)
    return changed


def _aliases_of(connection: sqlite3.Connection, target: str) -> list[str]:
    rows = connection.execute(
        "SELECT alias FROM alias_targets WHERE target = ? ORDER BY alias", (target,)
    )
    return [row["alias"] for row in rows]


def _without_target(connection: sqlite3.Connection, aliases: Iterable[str]) -> list[str]:
    query = "SELECT 1 FROM alias_targets WHERE alias = ?"
    return [alias for alias in aliases if connection.execute(query, (alias,)).fetchone() is None]
