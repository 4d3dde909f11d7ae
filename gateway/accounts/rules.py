"""What the account database refuses, and in which words."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from gateway.accounts.alias_graph import leads_back
from gateway.accounts.errors import AccountError
from gateway.accounts.names import AccountName
from gateway.accounts.rows import has_domain, is_alias, user_row


def require_domain(connection: sqlite3.Connection, name: str) -> None:
    """Refuse a domain that is not served here."""
    if not has_domain(connection, name):
        raise AccountError(
            f"the domain {name} is not served here: add it with 'pop3gw domain add {name}'"
        )


def require_user(connection: sqlite3.Connection, address: str) -> sqlite3.Row:
    """Return the row of a user; refuse an address that is none."""
    row = user_row(connection, address)
    if row is None:
        if is_alias(connection, address):
            raise AccountError(f"{address} is an alias, not a user: see 'pop3gw alias list'")
        raise AccountError(f"there is no user {address}; 'pop3gw user list' shows them all")
    return row


def require_free(connection: sqlite3.Connection, address: str) -> None:
    """Refuse an address that is taken."""
    if user_row(connection, address) is not None:
        raise AccountError(f"there is a user {address} already")
    if is_alias(connection, address):
        raise AccountError(
            f"{address} is an alias; an address cannot be user and alias at once: "
            f"remove it first with 'pop3gw alias remove {address}'"
        )


def require_target(connection: sqlite3.Connection, alias: str, target: AccountName) -> None:
    """Refuse a target that an alias cannot have."""
    address = target.canonical
    if address == alias:
        raise AccountError(f"the alias {alias} cannot lead to itself: name another address")
    if not has_domain(connection, target.domain):
        raise AccountError(
            f"the alias {alias} cannot lead to {address}: the domain {target.domain} is not "
            "served here, and mail is not forwarded to other servers"
        )
    if leads_back(connection, alias, address):
        raise AccountError(
            f"the alias {alias} cannot lead to {address}: that would be a loop, for {address} "
            f"leads to {alias}"
        )


def enumerate_shortly(things: Sequence[str], most: int = 5) -> str:
    """Join a few of many things."""
    shown = ", ".join(things[:most])
    return shown if len(things) <= most else f"{shown} and {len(things) - most} more"
