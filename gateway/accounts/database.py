"""The embedded accounts: domains, users and aliases, in one SQLite file."""

from __future__ import annotations

import enum
import time
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

from twisted.internet.interfaces import IReactorTime

from gateway.accounts.alias_graph import drop_target, users_behind
from gateway.accounts.answers import Answers
from gateway.accounts.app_passwords import AppPasswords
from gateway.accounts.domain_settings import DomainSettings
from gateway.accounts.errors import AccountError, DatabaseUnavailable
from gateway.accounts.names import canonical_domain, read_address, read_alias, read_target
from gateway.accounts.policies import Policies
from gateway.accounts.records import AliasRecord, UserRecord
from gateway.accounts.rows import has_domain, record_of, targets_of, user_row
from gateway.accounts.rules import (
    enumerate_shortly,
    require_domain,
    require_free,
    require_target,
    require_user,
)
from gateway.accounts.schema import STEPS
from gateway.accounts.sqlite_file import SQLiteFile
from gateway.accounts.user_settings import read_user_setting

__all__ = [
    "KEEP_SECRET",
    "AccountDatabase",
    "AccountError",
    "AliasRecord",
    "DatabaseUnavailable",
    "KeepSecret",
    "UserRecord",
]


class KeepSecret(enum.Enum):
    """The type of `KEEP_SECRET`."""

    KEEP = enum.auto()


KEEP_SECRET: Final = KeepSecret.KEEP
"""Leave the secret of an account as it is."""

NewUser = tuple[str, str] | tuple[str, str, str | None]

_INSERT_USER = """
INSERT INTO users (address, local_part, domain, password_hash, secret, created, scram)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""


class AccountDatabase:
    """The accounts of one data folder.

    Every method may block (a write waits for the disk) and may be called in any thread, in several
    processes at once; a change is seen by the next look-up anywhere. Addresses and domains are
    taken in any case and in Unicode, kept and given back in canonical form. A password hash is
    stored as it comes: it is for the caller to have it from `schemes.hash_password`, or to have
    shown it to `schemes.check_scheme`.

    What is refused raises `AccountError`, and then nothing has changed; its subclass
    `DatabaseUnavailable` says that the file itself cannot be used now.

    @param path: the file. It is made, with mode 0600, where there is none.
    @param busy_seconds: how long a call may wait for another process that is writing.
    @param reactor: in its thread, what other processes change is looked for once a turn.
    """

    def __init__(
        self, path: Path, busy_seconds: float = 15.0, reactor: IReactorTime | None = None
    ) -> None:
        self._file = SQLiteFile(path, STEPS, busy_seconds, reactor)
        self.answers = Answers(self._file)
        """Remembers what the look-ups of the directory have found."""
        self.app_passwords = AppPasswords(self._file)
        self.domain_settings = DomainSettings(self._file)
        self.policies = Policies(self._file)

    @property
    def path(self) -> Path:
        """The database file."""
        return self._file.path

    def close(self) -> None:
        """Close the file. A later call opens it again."""
        self._file.close()

    # Domains ---------------------------------------------------------------------------------

    def add_domain(self, domain: str) -> str:
        """Serve a domain from now on; return its canonical name."""
        name = canonical_domain(domain)
        with self._file.writing() as connection:
            if has_domain(connection, name):
                raise AccountError(f"the domain {name} is served here already")
            connection.execute("INSERT INTO domains (name) VALUES (?)", (name,))
        return name

    def remove_domain(self, domain: str) -> None:
        """Serve a domain no longer. Refused while it has users or aliases."""
        name = canonical_domain(domain)
        with self._file.writing() as connection:
            require_domain(connection, name)
            held = [
                f"the {noun} {row['address']}"
                for noun, table in (("user", "users"), ("alias", "aliases"))
                for row in connection.execute(
                    f"SELECT address FROM {table} WHERE domain = ? ORDER BY address",  # noqa: S608
                    (name,),
                )
            ]
            if held:
                raise AccountError(
                    f"the domain {name} still has {enumerate_shortly(held)}: remove them first"
                )
            connection.execute("DELETE FROM domains WHERE name = ?", (name,))

    def domains(self) -> list[str]:
        """Return the canonical names of all domains, sorted."""
        with self._file.reading() as connection:
            rows = connection.execute("SELECT name FROM domains ORDER BY name")
            return [row["name"] for row in rows]

    def has_domain(self, domain: str) -> bool:
        """Say whether a domain, given in canonical form, is served here."""
        with self._file.reading() as connection:
            return has_domain(connection, domain)

    # Users -----------------------------------------------------------------------------------

    def add_user(
        self,
        address: str,
        password_hash: str,
        *,
        secret: str | None = None,
        scram: str | None = None,
    ) -> UserRecord:
        """Add an account; return it.

        @param secret: the password in clear, where APOP needs it.
        @param scram: from `scram.make_verifiers`, where the password is known.
        """
        return self._add_users([(address, password_hash, secret, scram)])[0]

    def add_users(self, users: Iterable[NewUser]) -> list[UserRecord]:
        """Add many accounts, all or none, in one transaction.

        The iterable is exhausted before the database is locked: it may take its time.

        @param users: (address, password hash) or (address, password hash, SCRAM verifiers) each.
        """
        return self._add_users(
            [(user[0], user[1], None, user[2] if len(user) > 2 else None) for user in users]
        )

    def _add_users(
        self, users: Sequence[tuple[str, str, str | None, str | None]]
    ) -> list[UserRecord]:
        now = time.time()
        read = [(read_address(user[0]), *user[1:]) for user in users]
        with self._file.writing() as connection:
            for name, hash_, secret, scram in read:
                require_domain(connection, name.domain)
                require_free(connection, name.canonical)
                connection.execute(
                    _INSERT_USER,
                    (name.canonical, name.local_part, name.domain, hash_, secret, now, scram),
                )
        return [
            UserRecord(name.canonical, hash_, secret, created=now, scram=scram)
            for name, hash_, secret, scram in read
        ]

    def remove_user(self, address: str) -> list[str]:
        """Remove an account, and its address from the aliases that lead to it.

        @return: the aliases that changed, or that went because they led nowhere else.
        """
        name = read_address(address).canonical
        with self._file.writing() as connection:
            require_user(connection, name)
            connection.execute("DELETE FROM users WHERE address = ?", (name,))
            return drop_target(connection, name)

    def set_password(
        self,
        address: str,
        password_hash: str,
        *,
        secret: str | KeepSecret | None,
        scram: str | None = None,
    ) -> None:
        """Replace the password of an account. App passwords stay good.

        @param secret: the new password in clear, to keep it for APOP and CRAM-MD5; None forgets
            the old one; `KEEP_SECRET` leaves it (right only where the password is the same).
        """
        name = read_address(address).canonical
        with self._file.writing() as connection:
            require_user(connection, name)
            connection.execute(
                "UPDATE users SET password_hash = ?, scram = ? WHERE address = ?",
                (password_hash, scram, name),
            )
            if not isinstance(secret, KeepSecret):
                connection.execute("UPDATE users SET secret = ? WHERE address = ?", (secret, name))

    def replace_hash(self, address: str, old: str, new: str, scram: str | None = None) -> bool:
        """Replace a hash by another of the same password, unless the password was changed since.

        @param address: in canonical form.
        @param scram: the verifiers of that password; None leaves those there are.
        @return: whether it was replaced.
        """
        with self._file.writing() as connection:
            cursor = connection.execute(
                "UPDATE users SET password_hash = ?, scram = ifnull(?, scram)"
                " WHERE address = ? AND password_hash = ?",
                (new, scram, address, old),
            )
            return cursor.rowcount == 1

    def set_user(self, address: str, key: str, value: str) -> UserRecord:
        """Change a setting of an account, one of `user_settings.USER_SETTINGS`; return the account.

        @param value: as a person writes it: "no", "2G", "none".
        """
        stored = read_user_setting(key, value)
        name = read_address(address).canonical
        with self._file.writing() as connection:
            require_user(connection, name)
            # `key` is one of the table's by now, never text from outside.
            connection.execute(
                f"UPDATE users SET {key} = ? WHERE address = ?",  # noqa: S608
                (stored, name),
            )
            return record_of(require_user(connection, name))

    def user(self, address: str) -> UserRecord | None:
        """Return the account of an address, None where it has none."""
        name = read_address(address).canonical
        with self._file.reading() as connection:
            row = user_row(connection, name)
        return None if row is None else record_of(row)

    def users(self, domain: str | None = None) -> list[UserRecord]:
        """Return all accounts, or those of one domain, sorted by domain and local part."""
        with self._file.reading() as connection:
            if domain is None:
                rows = connection.execute("SELECT * FROM users ORDER BY domain, local_part")
            else:
                name = canonical_domain(domain)
                require_domain(connection, name)
                rows = connection.execute(
                    "SELECT * FROM users WHERE domain = ? ORDER BY local_part", (name,)
                )
            return [record_of(row) for row in rows]

    def has_users(self) -> bool:
        """Say whether there is any account."""
        return self.first_user() is not None

    def first_user(self, domain: str = "") -> UserRecord | None:
        """Return the account that was added first, in a domain (in canonical form) or anywhere."""
        with self._file.reading() as connection:
            row = connection.execute(
                "SELECT * FROM users WHERE ?1 IN ('', domain) ORDER BY created, rowid LIMIT 1",
                (domain,),
            ).fetchone()
        return None if row is None else record_of(row)

    # SCRAM ---------------------------------------------------------------------------------------

    def scram_serves_everybody(self) -> bool:
        """Say whether every password that is good here has a SCRAM verifier."""
        with self._file.reading() as connection:
            row = connection.execute(
                "SELECT EXISTS"
                " (SELECT 1 FROM users WHERE (scram IS NULL OR scram = '') AND enabled)"
                " OR EXISTS (SELECT 1 FROM app_passwords) OR NOT EXISTS (SELECT 1 FROM users)"
            ).fetchone()
        return not row[0]

    @cached_property
    def decoy_key(self) -> bytes:
        """A secret of this folder, for the salts of users that do not exist."""
        with self._file.reading() as connection:
            row = connection.execute("SELECT octets FROM secrets WHERE name = 'scram'").fetchone()
        return bytes(row["octets"])

    # Aliases ---------------------------------------------------------------------------------

    def add_alias(self, address: str, targets: Sequence[str]) -> AliasRecord:
        """Let an address stand for others; return the alias.

        Where the alias exists the targets are added to those it has.

        @param address: "info@example.org", or "@example.org" for the catch-all of the domain: all
            addresses in it that are neither user nor alias.
        @param targets: users or other aliases here; at least one.
        """
        alias = read_alias(address)
        read = [read_target(target, alias) for target in targets]
        if not read:
            raise AccountError(f"the alias {alias.canonical} needs at least one target")
        with self._file.writing() as connection:
            require_domain(connection, alias.domain)
            if user_row(connection, alias.canonical) is not None:
                raise AccountError(
                    f"{alias.canonical} is a user; an address cannot be user and alias at once"
                )
            connection.execute(
                "INSERT OR IGNORE INTO aliases (address, local_part, domain) VALUES (?, ?, ?)",
                (alias.canonical, alias.local_part, alias.domain),
            )
            for target in read:
                require_target(connection, alias.canonical, target)
                connection.execute(
                    "INSERT OR IGNORE INTO alias_targets (alias, target) VALUES (?, ?)",
                    (alias.canonical, target.canonical),
                )
            return AliasRecord(alias.canonical, targets_of(connection, alias.canonical))

    def remove_alias(self, address: str) -> list[str]:
        """Remove an alias, and its address from the aliases that lead to it.

        @return: the other aliases that changed, or that went because they led nowhere else.
        """
        name = read_alias(address).canonical
        with self._file.writing() as connection:
            cursor = connection.execute("DELETE FROM aliases WHERE address = ?", (name,))
            if cursor.rowcount == 0:
                raise AccountError(f"there is no alias {name}; 'pop3gw alias list' shows them all")
            return drop_target(connection, name)

    def aliases(self) -> list[AliasRecord]:
        """Return all aliases, sorted by domain and local part (a catch-all comes first)."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT address, target FROM aliases JOIN alias_targets ON alias = address"
                " ORDER BY domain, local_part, id"
            )
            targets: dict[str, list[str]] = {}
            for row in rows:
                targets.setdefault(row["address"], []).append(row["target"])
        return [AliasRecord(address, tuple(found)) for address, found in targets.items()]

    # Look-ups of the directory: everything in canonical form ------------------------------------

    def find_user(self, local_part: str, domain: str) -> UserRecord | None:
        """Return the account with exactly this address."""
        with self._file.reading() as connection:
            row = connection.execute(
                "SELECT * FROM users WHERE local_part = ? AND domain = ?", (local_part, domain)
            ).fetchone()
        return None if row is None else record_of(row)

    def find_alias(self, local_part: str, domain: str) -> AliasRecord | None:
        """Return the alias with exactly this address; local part "" is the catch-all."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT address, target FROM aliases JOIN alias_targets ON alias = address"
                " WHERE local_part = ? AND domain = ? ORDER BY id",
                (local_part, domain),
            ).fetchall()
        if not rows:
            return None
        return AliasRecord(rows[0]["address"], tuple(row["target"] for row in rows))

    def addresses_of(self, local_part: str) -> list[str]:
        """Return every address, user or alias, with this local part."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT address FROM users WHERE local_part = ?1"
                " UNION SELECT address FROM aliases WHERE local_part = ?1",
                (local_part,),
            )
            return [row["address"] for row in rows]

    def users_behind(self, address: str, most: int = 2) -> list[UserRecord]:
        """Return up to `most` accounts that an address, user or alias, leads to in the end."""
        with self._file.reading() as connection:
            return [record_of(row) for row in users_behind(connection, address, most)]
