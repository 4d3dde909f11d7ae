"""A mail store in one SQLite database: one commit for many messages."""

from gateway.store.sqlite.administration import SQLiteAdministration
from gateway.store.sqlite.store import SQLiteStore

__all__ = ["SQLiteAdministration", "SQLiteStore"]
