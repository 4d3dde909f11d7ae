"""What mailboxes hold, by the counts that are kept beside them."""

from __future__ import annotations

import sqlite3

from gateway.store.interfaces import Usage


def usage_of_mailbox(connection: sqlite3.Connection, address: str) -> Usage:
    """Return what a mailbox holds: an indexed look-up."""
    query = "SELECT messages, octets FROM mailboxes WHERE address = ?"
    row = connection.execute(query, (address,)).fetchone()
    return Usage(*row) if row is not None else Usage(0, 0)


def usage_of_domain(connection: sqlite3.Connection, domain: str) -> Usage:
    """Return what all mailboxes of a domain hold: a look at every mailbox there is.

    @param domain: with "@" before it.
    """
    query = (
        "SELECT coalesce(sum(messages), 0), coalesce(sum(octets), 0) FROM mailboxes"
        " WHERE substr(address, -length(?1)) = ?1"
    )
    return Usage(*connection.execute(query, (domain,)).fetchone())
