"""What is set for a whole domain: its quota."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.accounts.errors import AccountError
from gateway.accounts.names import canonical_domain
from gateway.accounts.rules import require_domain
from gateway.accounts.sqlite_file import SQLiteFile
from gateway.accounts.user_settings import USER_SETTINGS

KEYS = ("quota_octets", "quota_messages")
"""The settings of a domain. They take what those of a user of the same names take."""


@dataclass(frozen=True, slots=True)
class DomainRecord:
    """One domain that mail is received for."""

    name: str
    """In A-labels (RFC 5890)."""
    quota_octets: int | None = None
    """What all its mailboxes may hold together; None: no limit."""
    quota_messages: int | None = None
    """None: no limit."""


class DomainSettings:
    """The settings of the domains in the account database. See `AccountDatabase` for threads.

    @param file: the account database's.
    """

    def __init__(self, file: SQLiteFile) -> None:
        self._file = file

    def set(self, domain: str, key: str, value: str) -> DomainRecord:
        """Change a setting of a domain; return the domain.

        @param value: as a person writes it: "20G", "none".
        @raise AccountError: no such domain, key or value.
        """
        name = canonical_domain(domain)
        stored = _read(key, value)
        with self._file.writing() as connection:
            require_domain(connection, name)
            # `key` is one of `KEYS` by now, never text from outside.
            connection.execute(
                f"UPDATE domains SET {key} = ? WHERE name = ?",  # noqa: S608
                (stored, name),
            )
        return DomainRecord(name, *self.quota(name))

    def quota(self, domain: str) -> tuple[int | None, int | None]:
        """Return how many octets and messages a domain may hold; None: no limit.

        @param domain: in canonical form.
        """
        query = "SELECT quota_octets, quota_messages FROM domains WHERE name = ?"
        with self._file.reading() as connection:
            row = connection.execute(query, (domain,)).fetchone()
        return (None, None) if row is None else (row["quota_octets"], row["quota_messages"])


def _read(key: str, value: str) -> int | None:
    if key not in KEYS:
        known = "; ".join(f"{name} ({USER_SETTINGS[name].takes})" for name in KEYS)
        raise AccountError(f"a domain has no setting {key!r}; there are: {known}")
    setting = USER_SETTINGS[key]
    try:
        return setting.read(value.strip().lower())
    except ValueError:
        raise AccountError(f"{key} takes {setting.takes}, not {value!r}") from None
