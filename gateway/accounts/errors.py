"""What the account database says when it refuses something, in words for an administrator."""

from __future__ import annotations


class AccountError(Exception):
    """Refused. The text, one line, names the thing and the remedy."""


class DatabaseUnavailable(AccountError):
    """The account database cannot be used now: it is busy, damaged, or its disk fails."""
