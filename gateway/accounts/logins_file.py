"""What all processes of a folder know of logins: wrong passwords of late, and last successes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.accounts.sqlite_file import SQLiteFile

_FIRST = """
CREATE TABLE wrong (
    user TEXT NOT NULL,
    network TEXT NOT NULL,
    digest BLOB NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (user, network, digest)
) WITHOUT ROWID;
CREATE INDEX wrong_by_time ON wrong (at);

CREATE TABLE successes (
    user TEXT NOT NULL,
    network TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (user, network)
) WITHOUT ROWID;
CREATE INDEX successes_by_time ON successes (at);

CREATE TABLE last_logins (
    user TEXT NOT NULL,
    protocol TEXT NOT NULL,
    host TEXT NOT NULL,
    mechanism TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (user, protocol)
) WITHOUT ROWID;

CREATE TABLE secrets (
    name TEXT PRIMARY KEY,
    octets BLOB NOT NULL
) WITHOUT ROWID;
INSERT INTO secrets VALUES ('digest', randomblob(32));
"""


@dataclass(frozen=True, slots=True)
class Ban:
    """A user name that is not let try passwords from a network any more."""

    user: str
    network: str
    passwords: int
    """Distinct wrong ones."""
    at: float
    """The last of them, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class LastLogin:
    """The last time that a user logged in by a protocol."""

    protocol: str
    host: str
    mechanism: str
    at: float
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Something to write down."""

    sql: str
    values: Sequence[object]


@dataclass(frozen=True, slots=True)
class WrongNote(Statement):
    """A wrong password to write down."""

    pair: tuple[str, str]
    """User and network."""
    digest: bytes


def wrong(user: str, network: str, digest: bytes, at: float) -> WrongNote:
    """A wrong password."""
    return WrongNote(
        "INSERT INTO wrong VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT DO UPDATE SET at = max(at, excluded.at)",
        (user, network, digest, at),
        (user, network),
        digest,
    )


def right(user: str, network: str, at: float) -> Statement:
    """A right one."""
    return Statement("INSERT OR REPLACE INTO successes VALUES (?, ?, ?)", (user, network, at))


def forgive(user: str, network: str) -> Statement:
    """The wrong ones before it count no more."""
    return Statement("DELETE FROM wrong WHERE user = ? AND network = ?", (user, network))


def last_login(user: str, protocol: str, host: str, mechanism: str, at: float) -> Statement:
    """A login, for `pop3gw user show`."""
    return Statement(
        "INSERT OR REPLACE INTO last_logins VALUES (?, ?, ?, ?, ?)",
        (user, protocol, host, mechanism, at),
    )


class LoginsFile:
    """The file `logins.sqlite` of a data folder. It may be deleted while no gateway runs.

    Methods block for as long as SQLite does, and raise `DatabaseUnavailable`.

    @param path: made where it is missing.
    """

    def __init__(self, path: Path) -> None:
        self._file = SQLiteFile(path, (_FIRST,))

    def close(self) -> None:
        """Close the file. A later call opens it again."""
        self._file.close()

    def digest_key(self) -> bytes:
        """Return the key of the digests of wrong passwords."""
        with self._file.reading() as connection:
            row = connection.execute("SELECT octets FROM secrets WHERE name = 'digest'").fetchone()
        return bytes(row["octets"])

    def wrong(self, user: str, network: str, since: float) -> set[bytes]:
        """Return the digests of the wrong passwords of a pair since a moment."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT digest FROM wrong WHERE user = ? AND network = ? AND at > ?",
                (user, network, since),
            )
            return {row["digest"] for row in rows}

    def right_at(self, user: str, network: str) -> float | None:
        """Return when a user last logged in from a network."""
        with self._file.reading() as connection:
            row = connection.execute(
                "SELECT at FROM successes WHERE user = ? AND network = ?", (user, network)
            ).fetchone()
        return None if row is None else float(row["at"])

    def write(
        self, statements: Iterable[Statement], wrong_since: float, right_since: float
    ) -> None:
        """Write things down, in one transaction; forget what is older than these moments."""
        with self._file.writing() as connection:
            for statement in statements:
                connection.execute(statement.sql, statement.values)
            connection.execute("DELETE FROM wrong WHERE at <= ?", (wrong_since,))
            connection.execute("DELETE FROM successes WHERE at <= ?", (right_since,))

    def bans(self, passwords: int, wrong_since: float, right_since: float) -> list[Ban]:
        """Return the pairs with so many wrong passwords and no success, the latest first."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT user, network, count(*) AS passwords, max(wrong.at) AS at FROM wrong"
                " WHERE at > ?2 AND NOT EXISTS"
                " (SELECT 1 FROM successes AS s WHERE s.at > ?3"
                " AND s.user = wrong.user AND s.network = wrong.network)"
                " GROUP BY user, network HAVING count(*) >= ?1 ORDER BY max(wrong.at) DESC",
                (passwords, wrong_since, right_since),
            )
            return [Ban(row["user"], row["network"], row["passwords"], row["at"]) for row in rows]

    def clear(self, user: str | None = None) -> int:
        """Forget all wrong passwords, or those of one user; return how many pairs had some."""
        with self._file.writing() as connection:
            (pairs,) = connection.execute(
                "SELECT count(*) FROM (SELECT DISTINCT user, network FROM wrong"
                " WHERE ?1 IS NULL OR user = ?1)",
                (user,),
            ).fetchone()
            connection.execute("DELETE FROM wrong WHERE ?1 IS NULL OR user = ?1", (user,))
        return int(pairs)

    def last_logins(self, user: str) -> list[LastLogin]:
        """Return the last login of a user by each protocol, the latest first."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM last_logins WHERE user = ? ORDER BY at DESC", (user,)
            )
            return [
                LastLogin(row["protocol"], row["host"], row["mechanism"], row["at"]) for row in rows
            ]

    def forget(self, user: str) -> None:
        """Forget all of a user that is no more."""
        with self._file.writing() as connection:
            for table in ("wrong", "successes", "last_logins"):
                connection.execute(f"DELETE FROM {table} WHERE user = ?", (user,))  # noqa: S608
