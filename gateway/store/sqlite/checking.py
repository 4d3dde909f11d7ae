"""Is a store whole? Finds what is wrong with it, and repairs what can be repaired. Blocks."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from gateway.store.sqlite.database import transaction
from gateway.store.sqlite.keeping import SUFFIX
from gateway.store.sqlite.layout import Layout

_YOUNG_SECONDS = 3600.0
"""A file that is younger may belong to a message that is being stored."""
_BLOCK = 1_048_576


@dataclass(frozen=True)
class Problem:
    """Something that is wrong."""

    text: str
    repaired: bool = False


_Repair = tuple[str, str, str]
_REPAIRS: tuple[_Repair, ...] = (
    (
        "{} messages with a wrong number of octets",
        "SELECT count(*) FROM messages m JOIN bodies b USING (number) WHERE m.octets <> b.octets",
        "UPDATE messages SET octets = (SELECT octets FROM bodies WHERE number = messages.number)"
        " WHERE number IN (SELECT m.number FROM messages m JOIN bodies b USING (number)"
        " WHERE m.octets <> b.octets)",
    ),
    (
        "{} messages whose mailbox is missing",
        "SELECT count(*) FROM messages WHERE mailbox NOT IN (SELECT id FROM mailboxes)",
        "INSERT INTO mailboxes SELECT DISTINCT mailbox, 'found-' || mailbox, 0, 0, 0 FROM messages"
        " WHERE mailbox NOT IN (SELECT id FROM mailboxes)",
    ),
    (
        "{} mailboxes whose counts were wrong",
        "SELECT count(*) FROM mailboxes WHERE messages <> (SELECT count(*) FROM messages"
        " WHERE mailbox = mailboxes.id) OR octets <> (SELECT coalesce(sum(octets), 0)"
        " FROM messages WHERE mailbox = mailboxes.id)",
        "UPDATE mailboxes SET change = (SELECT change FROM store), messages = (SELECT count(*)"
        " FROM messages WHERE mailbox = mailboxes.id), octets = (SELECT coalesce(sum(octets), 0)"
        " FROM messages WHERE mailbox = mailboxes.id)",
    ),
    (
        "{} bodies whose number of copies was wrong",
        "SELECT count(*) FROM bodies LEFT JOIN (SELECT number, count(*) AS n FROM messages"
        " GROUP BY number) USING (number) WHERE copies <> coalesce(n, 0)",
        "UPDATE bodies SET copies = coalesce((SELECT n FROM (SELECT number, count(*) AS n"
        " FROM messages GROUP BY number) c WHERE c.number = bodies.number), 0)",
    ),
    (
        "{} contents without a body",
        "SELECT count(*) FROM contents WHERE number NOT IN (SELECT number FROM bodies)",
        "DELETE FROM contents WHERE number NOT IN (SELECT number FROM bodies)",
    ),
    (
        "{} names of files without a body",
        "SELECT count(*) FROM files WHERE number NOT IN (SELECT number FROM bodies)",
        "DELETE FROM files WHERE number NOT IN (SELECT number FROM bodies)",
    ),
)
"""What is wrong, how many there are, what mends it; in this order."""


def bodies(connection: sqlite3.Connection) -> int:
    """Return how many bodies `check` reads."""
    return int(connection.execute("SELECT count(*) FROM bodies WHERE copies > 0").fetchone()[0])


def check(
    layout: Layout,
    connection: sqlite3.Connection,
    advance: Callable[[], object],
    *,
    repair: bool,
) -> Iterator[Problem]:
    """Look at everything.

    @param advance: called for each body.
    @param repair: whether to mend what can be mended; else nothing is changed.
    @raise sqlite3.Error: the database cannot be read.
    """
    broken = [line for (line,) in connection.execute("PRAGMA integrity_check(20)") if line != "ok"]
    for line in broken:
        yield Problem(f"the database is damaged: {line}")
    if broken:
        return
    yield from _counts(connection, repair)
    yield from _bodies(layout, connection, advance)
    yield from _orphans(layout, connection, repair)


def _counts(connection: sqlite3.Connection, repair: bool) -> Iterator[Problem]:
    for text, count, mend in _REPAIRS:
        found = connection.execute(count).fetchone()[0]
        if not found:
            continue
        if repair:
            with transaction(connection):
                connection.execute("UPDATE store SET change = change + 1")
                connection.execute(mend)
        yield Problem(text.format(found), repair)


def _bodies(
    layout: Layout, connection: sqlite3.Connection, advance: Callable[[], object]
) -> Iterator[Problem]:
    """Read every body of which there is a copy. What is wrong here cannot be mended."""
    query = (
        "SELECT number FROM messages WHERE number NOT IN (SELECT number FROM bodies)"
        " GROUP BY number"
    )
    for (number,) in connection.execute(query).fetchall():
        yield Problem(f"{_whose(connection, number)}: its body is missing")
    last = -1
    query = (
        "SELECT number, octets, digest, content, name FROM bodies LEFT JOIN contents USING (number)"
        " LEFT JOIN files USING (number) WHERE number > ? AND copies > 0 ORDER BY number LIMIT 100"
    )
    while rows := connection.execute(query, (last,)).fetchall():
        for number, octets, digest, content, name in rows:
            last = number
            wrong = _wrong(layout, octets, digest, content, name)
            gone = "SELECT 1 FROM bodies WHERE number = ?"
            if wrong and connection.execute(gone, (number,)).fetchone() is not None:
                yield Problem(f"{_whose(connection, number)}: {wrong}")
            advance()


def _wrong(
    layout: Layout, octets: int, digest: bytes, content: bytes | None, name: str | None
) -> str | None:
    """Say what is wrong with a body, None if nothing is."""
    hashed = sha256()
    found = 0
    if content is not None:
        hashed.update(content)
        found = len(content)
    elif name is None:
        return "its body is missing"
    else:
        try:
            with layout.large_file(name).open("rb") as file:
                while block := file.read(_BLOCK):
                    hashed.update(block)
                    found += len(block)
        except OSError as error:
            return f"its body cannot be read: {layout.large_file(name)}: {error.strerror}"
    if found != octets:
        return f"its body has {found} octets, not {octets}"
    return None if hashed.digest() == digest else "its body was changed: the digest differs"


def _whose(connection: sqlite3.Connection, number: int) -> str:
    query = (
        f"SELECT group_concat(replace(address, '{SUFFIX}', ' (deleted, can be undeleted)'), ', ')"
        " FROM messages JOIN mailboxes ON mailbox = id WHERE number = ?"
    )
    (addresses,) = connection.execute(query, (number,)).fetchone()
    return f"message {number} of {addresses or 'nobody'}"


def _orphans(layout: Layout, connection: sqlite3.Connection, repair: bool) -> Iterator[Problem]:
    """Find files in large/ that no row names."""
    horizon = time.time() - _YOUNG_SECONDS
    query = "SELECT 1 FROM files WHERE name = ? UNION ALL SELECT 1 FROM dead_files WHERE name = ?"
    for path in sorted(layout.large.glob("*/*")):
        if path.stat().st_mtime > horizon:
            continue
        if connection.execute(query, (path.name, path.name)).fetchone() is None:
            if repair:
                path.unlink(missing_ok=True)
            yield Problem(f"{path} belongs to no message", repair)
