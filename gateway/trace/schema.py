"""The tables of the trace, as the steps that made them. See `gateway.accounts.sqlite_file`."""

from __future__ import annotations

_FIRST = """
CREATE TABLE happenings (
    number INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    what TEXT NOT NULL,
    message TEXT,
    message_id TEXT,
    address TEXT,
    uidl TEXT,
    session TEXT NOT NULL,
    protocol TEXT NOT NULL,
    host TEXT NOT NULL,
    user TEXT,
    sender TEXT,
    octets INTEGER,
    reply TEXT
);
CREATE INDEX happenings_by_message ON happenings (message) WHERE message IS NOT NULL;
CREATE INDEX happenings_by_message_id ON happenings (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX happenings_by_address ON happenings (address, uidl);
CREATE INDEX happenings_by_time ON happenings (at);
"""

# What happened to copies in mailboxes had a row for each of them at first, which cost as much as
# all the rest of fetching and deleting them.
_COPIES = """
CREATE TABLE copies (
    number INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    what TEXT NOT NULL,
    address TEXT NOT NULL,
    session TEXT NOT NULL,
    protocol TEXT NOT NULL,
    host TEXT NOT NULL,
    user TEXT,
    uidls TEXT NOT NULL
);
CREATE INDEX copies_by_address ON copies (address);
CREATE INDEX copies_by_time ON copies (at);
INSERT INTO copies (at, what, address, session, protocol, host, user, uidls)
    SELECT at, what, address, session, protocol, host, user,
        char(10) || uidl || ' ' || coalesce(octets, '') || char(10)
    FROM happenings WHERE message IS NULL AND uidl IS NOT NULL AND address IS NOT NULL
    ORDER BY number;
DELETE FROM happenings WHERE message IS NULL AND uidl IS NOT NULL;
DROP INDEX happenings_by_address;
CREATE INDEX happenings_by_address ON happenings (address) WHERE address IS NOT NULL;
"""

_TIDIED = """
CREATE TABLE tidied (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    at REAL NOT NULL
);
INSERT INTO tidied VALUES (1, 0);
"""

STEPS: tuple[str, ...] = (_FIRST, _COPIES, _TIDIED)
