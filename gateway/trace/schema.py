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

STEPS: tuple[str, ...] = (_FIRST,)
