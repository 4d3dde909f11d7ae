"""The tables of the store, as the steps that made them.

The number of steps taken is kept in `user_version`. A step that was ever released is never edited:
a change of the tables is one more step. Nothing here but WITHOUT ROWID is SQLite's own; in another
database BLOB is BYTEA and INTEGER is BIGINT.

- `store` is one row: the numbers given out so far.
- `epochs`: a message whose unique-id is not given has `NAME.NUMBER`, of the last epoch that began
  at its number or before. A restored store begins a new one, so that no unique-id is used twice.
- `messages` is a copy in a mailbox, in the order that LIST shows. `place` is the time of arrival in
  microseconds, moved forward where the clock stood still or went back.
- `bodies` is what copies of one message share; its octets are in `contents` or in a file (`files`).
  One without copies is dead; its room is given back after the commit.
- `dead_files` are files whose last copy was deleted; they are removed after the commit.
- `change` counts transactions that changed a mailbox: what a later backup, and the snapshots kept
  in memory, look at.
"""

from __future__ import annotations

APPLICATION_ID = 0x706F7033
"""Marks the file as ours: "pop3"."""
PAGE_OCTETS = 8192

_FIRST = """
CREATE TABLE store (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    next_number INTEGER NOT NULL,
    next_mailbox INTEGER NOT NULL,
    last_place INTEGER NOT NULL,
    change INTEGER NOT NULL
);
CREATE TABLE epochs (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    first_number INTEGER NOT NULL,
    first_change INTEGER NOT NULL,
    began INTEGER NOT NULL
);
CREATE TABLE mailboxes (
    id INTEGER PRIMARY KEY,
    address TEXT NOT NULL UNIQUE,
    messages INTEGER NOT NULL,
    octets INTEGER NOT NULL,
    change INTEGER NOT NULL
);
CREATE TABLE messages (
    mailbox INTEGER NOT NULL REFERENCES mailboxes (id),
    place INTEGER NOT NULL,
    number INTEGER NOT NULL REFERENCES bodies (number),
    octets INTEGER NOT NULL,
    arrived INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    uidl TEXT,
    PRIMARY KEY (mailbox, place, number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX messages_by_uidl ON messages (mailbox, uidl) WHERE uidl IS NOT NULL;
CREATE TABLE bodies (
    number INTEGER PRIMARY KEY,
    octets INTEGER NOT NULL,
    copies INTEGER NOT NULL,
    digest BLOB NOT NULL
);
CREATE TABLE contents (
    number INTEGER PRIMARY KEY REFERENCES bodies (number),
    content BLOB NOT NULL
);
CREATE TABLE files (
    number INTEGER PRIMARY KEY REFERENCES bodies (number),
    name TEXT NOT NULL UNIQUE
);
CREATE TABLE dead_files (
    name TEXT PRIMARY KEY
) WITHOUT ROWID;
INSERT INTO store VALUES (1, 1, 1, 0, 0);
"""

_SECOND = """
CREATE INDEX dead_bodies ON bodies (number) WHERE copies <= 0;
"""

STEPS: tuple[str, ...] = (_FIRST, _SECOND)

SMTPUTF8 = 1
REQUIRETLS = 2
"""Bits of `messages.flags`."""
