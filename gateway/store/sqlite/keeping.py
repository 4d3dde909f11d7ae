"""Deleted messages that are still kept, inside a transaction that the caller makes. Blocks.

They lie in a mailbox of their own, named as theirs with "/deleted" behind it, which no address is.
So backup and checks treat them as all messages. Until when each is kept stands in its `flags`,
above the bits of its attributes: as the number of days since the epoch.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Collection, Iterable

from gateway.store.interfaces import DeletedMessage
from gateway.store.sqlite.layout import Layout
from gateway.store.sqlite.listing import uidl_expression
from gateway.store.sqlite.reader import open_body
from gateway.store.sqlite.removal import remove
from gateway.store.sqlite.selection import Run, conditions

SUFFIX = "/deleted"
_SHIFT = 8
_ATTRIBUTES = (1 << _SHIFT) - 1
_FOR_EVER = 1 << 40
_DAY = 86_400
_MICROSECONDS = 1_000_000
_HEADER_OCTETS = 16_384


def set_aside(
    connection: sqlite3.Connection, mailbox: int, runs: Iterable[Run], until: float
) -> None:
    """Take messages out of the view of sessions.

    @param until: see `IKeepingMaildrop.set_aside`.
    """
    (address,) = connection.execute(
        "SELECT address FROM mailboxes WHERE id = ?", (mailbox,)
    ).fetchone()
    aside = _find(connection, address + SUFFIX)
    if aside is None:
        aside = _make(connection, address + SUFFIX)
    runs = list(runs)
    _free_uidls(connection, mailbox, aside, runs)
    _move(connection, mailbox, aside, runs, f"(flags & {_ATTRIBUTES}) | {flags_until(until)}")


def _free_uidls(
    connection: sqlite3.Connection, mailbox: int, aside: int, runs: Iterable[Run]
) -> None:
    """Let no message set aside have a unique-id that was given to one of these, too.

    A message that is imported once more has the one that it had before it was deleted. The older
    of the two would be fetched anew if it came back.
    """
    for these, values in conditions(connection, mailbox, runs):
        connection.execute(
            "UPDATE messages SET uidl = NULL WHERE mailbox = ? AND uidl IN"
            f" (SELECT uidl FROM messages WHERE {these} AND uidl IS NOT NULL)",
            (aside, *values),
        )


def flags_until(until: float) -> int:
    """Return the bits of `flags` that say until when a message is kept."""
    return (_FOR_EVER if until == math.inf else math.ceil(until / _DAY)) << _SHIFT


def until_of(flags: int) -> float:
    """Return until when a message is kept, in seconds since the epoch, from its `flags`."""
    day = flags >> _SHIFT
    return math.inf if day >= _FOR_EVER else float(day * _DAY)


def list_aside(
    connection: sqlite3.Connection, layout: Layout, address: str
) -> list[DeletedMessage]:
    """Return all that is kept of a mailbox, in order of arrival."""
    aside = _find(connection, address + SUFFIX)
    if aside is None:
        return []
    query = (
        "SELECT place, number, octets, arrived, flags, "
        f"{uidl_expression(connection)} FROM messages WHERE mailbox = ? ORDER BY place, number"
    )
    return [
        DeletedMessage(
            uidl,
            octets,
            arrived / _MICROSECONDS,
            until_of(flags),
            _header(connection, layout, (aside, place, number), octets),
        )
        for place, number, octets, arrived, flags, uidl in connection.execute(query, (aside,))
    ]


def put_back(connection: sqlite3.Connection, address: str, uidls: Collection[str]) -> list[str]:
    """Let sessions see messages again; return the unique-ids of those that are back.

    One stays aside whose given unique-id another message of the mailbox has got meanwhile.
    """
    aside, mailbox = _find(connection, address + SUFFIX), _find(connection, address)
    if aside is None or mailbox is None:
        return []
    query = (
        f"SELECT place, number, {uidl_expression(connection)} FROM messages WHERE mailbox = ?"
        " AND (uidl IS NULL OR uidl NOT IN"
        " (SELECT uidl FROM messages WHERE mailbox = ? AND uidl IS NOT NULL))"
    )
    found = [row for row in connection.execute(query, (aside, mailbox)) if row[2] in uidls]
    keys = [(place, number) for place, number, _ in found]
    _move(connection, aside, mailbox, [keys], f"flags & {_ATTRIBUTES}")
    return sorted(uidl for _, _, uidl in found)


def remove_overdue(connection: sqlite3.Connection, address: str, moment: float, most: int) -> int:
    """Remove for good what need not be kept any longer; return how many messages that were."""
    aside = _find(connection, address + SUFFIX)
    if aside is None:
        return 0
    keys = connection.execute(
        f"SELECT place, number FROM messages WHERE mailbox = ? AND flags >> {_SHIFT} <= ? LIMIT ?",
        (aside, moment / _DAY, most),
    ).fetchall()
    remove(connection, aside, [keys])
    return len(keys)


def _find(connection: sqlite3.Connection, address: str) -> int | None:
    query = "SELECT id FROM mailboxes WHERE address = ?"
    row = connection.execute(query, (address,)).fetchone()
    return None if row is None else int(row[0])


def _make(connection: sqlite3.Connection, address: str) -> int:
    (number,) = connection.execute("SELECT next_mailbox FROM store").fetchone()
    connection.execute("UPDATE store SET next_mailbox = next_mailbox + 1")
    connection.execute("INSERT INTO mailboxes VALUES (?, ?, 0, 0, 0)", (number, address))
    return int(number)


def _move(
    connection: sqlite3.Connection, source: int, target: int, runs: Iterable[Run], flags: str
) -> None:
    """Move messages from one mailbox to another; those that are gone do not matter."""
    count = octets = 0
    for these, values in conditions(connection, source, runs):
        found = connection.execute(
            f"SELECT count(*), total(octets) FROM messages WHERE {these}", values
        ).fetchone()
        connection.execute(
            f"UPDATE messages SET mailbox = ?, flags = {flags} WHERE {these}", (target, *values)
        )
        count += found[0]
        octets += int(found[1])
    if count:
        connection.execute("UPDATE store SET change = change + 1")
        for mailbox, sign in ((source, -1), (target, 1)):
            connection.execute(
                "UPDATE mailboxes SET messages = messages + ?, octets = octets + ?,"
                " change = (SELECT change FROM store) WHERE id = ?",
                (sign * count, sign * octets, mailbox),
            )


def _header(
    connection: sqlite3.Connection, layout: Layout, key: tuple[int, int, int], octets: int
) -> bytes:
    reader = open_body(connection, layout, key, octets)
    head = reader.read()[:_HEADER_OCTETS].replace(b"\r\n", b"\n")
    reader.close()
    return head.partition(b"\n\n")[0]
