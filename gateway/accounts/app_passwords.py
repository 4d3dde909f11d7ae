"""App passwords: further passwords of an account, one for each program or device.

They are made here, never chosen: 80 random bits. So a plain digest keeps them as safely as a
costly hash would, and finding one is an indexed look-up.
"""

from __future__ import annotations

import re
import sqlite3
import time
from hashlib import sha256
from secrets import choice

from gateway.accounts.errors import AccountError
from gateway.accounts.names import read_address
from gateway.accounts.records import AppPassword
from gateway.accounts.rules import require_user
from gateway.accounts.sqlite_file import SQLiteFile

PROTOCOLS = ("pop3", "smtp")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_LENGTH = 16
_FORM = re.compile(f"[{_ALPHABET}]{{{_LENGTH}}}")


def protocol_family(protocol: str) -> str:
    """Return "pop3" or "smtp", whichever a listener's kind belongs to."""
    return "pop3" if protocol.startswith("pop3") else "smtp"


class AppPasswords:
    """Those of all accounts. Its methods block and raise as those of `AccountDatabase`.

    @param file: the account database.
    """

    def __init__(self, file: SQLiteFile) -> None:
        self._file = file

    def add(self, address: str, name: str, protocol: str | None = None) -> str:
        """Make one; return it, in groups of four. It cannot be shown again.

        @param name: what the user will know it by; unique for the account.
        @param protocol: one of `PROTOCOLS` where it is to be good for that only.
        """
        user, name = read_address(address).canonical, _checked(name)
        made = "".join(choice(_ALPHABET) for _ in range(_LENGTH))
        with self._file.writing() as connection:
            require_user(connection, user)
            try:
                connection.execute(
                    "INSERT INTO app_passwords VALUES (?, ?, ?, ?, ?)",
                    (_digest(made), user, name, protocol, time.time()),
                )
            except sqlite3.IntegrityError:
                raise AccountError(
                    f"{user} has an app password {name!r} already: revoke it first with "
                    f"'pop3gw app-password revoke {user} {name!r}', or choose another name"
                ) from None
        return "-".join(made[at : at + 4] for at in range(0, _LENGTH, 4))

    def revoke(self, address: str, name: str) -> None:
        """Make one worthless."""
        user = read_address(address).canonical
        with self._file.writing() as connection:
            require_user(connection, user)
            cursor = connection.execute(
                "DELETE FROM app_passwords WHERE address = ? AND name = ?", (user, name)
            )
            if cursor.rowcount == 0:
                raise AccountError(
                    f"{user} has no app password {name!r}; "
                    f"'pop3gw app-password list {user}' shows them"
                )

    def list(self, address: str) -> list[AppPassword]:
        """Return those of an account, by name."""
        user = read_address(address).canonical
        with self._file.reading() as connection:
            require_user(connection, user)
            rows = connection.execute(
                "SELECT * FROM app_passwords WHERE address = ? ORDER BY name", (user,)
            )
            return [_record(row) for row in rows]

    def find(self, address: str, password: str) -> AppPassword | None:
        """Return the app password that a text is, None where it is none of this account.

        @param address: in canonical form.
        @param password: as it was typed: blanks, hyphens and case do not count.
        """
        bare = password.replace("-", "").replace(" ", "").lower()
        if _FORM.fullmatch(bare) is None:
            return None
        with self._file.reading() as connection:
            row = connection.execute(
                "SELECT * FROM app_passwords WHERE digest = ? AND address = ?",
                (_digest(bare), address),
            ).fetchone()
        return None if row is None else _record(row)


def _digest(bare: str) -> bytes:
    return sha256(bare.encode("ascii")).digest()


def _record(row: sqlite3.Row) -> AppPassword:
    return AppPassword(row["address"], row["name"], row["protocol"], row["created"])


def _checked(name: str) -> str:
    name = name.strip()
    if not name or len(name) > 60 or not name.isprintable():
        raise AccountError("the name of an app password is 1 to 60 printable characters")
    return name
