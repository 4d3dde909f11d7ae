"""Users from a passwd-file, as Dovecot has it: `user:password:uid:gid:gecos:home:shell:extra`."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred, inlineCallbacks
from zope.interface import implementer

from gateway.accounts.errors import AccountError
from gateway.accounts.interfaces import IUserSource
from gateway.accounts.passwords import decode_password
from gateway.accounts.sources.surroundings import Surroundings, unavailable

_EXTRA = 7
"""The column of the extra fields."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line."""

    password: str = field(repr=False)
    """As `gateway.accounts.schemes` reads it."""
    may_log_in: bool


Table = dict[str, Entry]


def parse(text: str) -> Table:
    """Return the users of a passwd-file, by name in lower case. Of two lines the first counts."""
    table: Table = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        columns = line.split(":", _EXTRA)
        extra = columns[_EXTRA].split() if len(columns) > _EXTRA else []
        password = columns[1] if len(columns) > 1 else ""
        allowed = not any(word == "nologin" or word.startswith("nologin=") for word in extra)
        table.setdefault(columns[0].strip().lower(), Entry(password, allowed and bool(password)))
    return table


@implementer(ICredentialsChecker, IUserSource)
class PasswdFileChecker:
    """Checks passwords against the file, and answers who exists.

    The file is read again when it has changed. A name in it without a domain is one of the home
    domain. The avatar id is the name as it stands in the file, in lower case.

    @param path: an existing file.
    @raise AccountError: there is none, or it cannot be read.
    """

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self, path: Path, surroundings: Surroundings) -> None:
        self._path = path
        self._hashing = surroundings.hashing
        self._in_thread = surroundings.bounded()
        self._state: tuple[int, int, int] | None = None
        self._table: Table = {}
        try:
            self._read()
        except (OSError, UnicodeDecodeError) as error:
            raise AccountError(
                f"the passwd-file {path} cannot be read: {getattr(error, 'strerror', error)}; "
                "write passwd-file:PATH, with a file that this user may read"
            ) from None

    def _read(self) -> Table:
        status = self._path.stat()
        state = (status.st_ino, status.st_mtime_ns, status.st_size)
        if state != self._state:
            self._table = parse(self._path.read_text("utf-8"))
            self._state = state
        return self._table

    @inlineCallbacks
    def _current(self) -> Generator[Deferred[Any], Any, Table]:
        try:
            table: Table = yield self._in_thread(self._read)
        except (OSError, UnicodeDecodeError) as error:
            raise unavailable(f"the passwd-file {self._path}", error) from error
        return table

    @inlineCallbacks
    def requestAvatarId(self, credentials: Any) -> Generator[Deferred[Any], Any, bytes | tuple[()]]:
        """See `ICredentialsChecker`."""
        table = yield self._current()
        name = credentials.username.decode("utf-8", "replace").lower()
        password = decode_password(credentials.password)
        found, entry = self._find(table, name)
        if entry is None or not entry.may_log_in:
            yield self._hashing.verify_nobody(password)
            raise UnauthorizedLogin
        if not (yield self._hashing.verify(password, entry.password)):
            raise UnauthorizedLogin
        return found.encode("utf-8")

    def _find(self, table: Table, name: str) -> tuple[str, Entry | None]:
        """Return the entry that a person means: as typed, or the only one with that local part."""
        if name in table or "@" in name:
            return name, table.get(name)
        full = [one for one in table if one.partition("@")[0] == name]
        return (full[0], table[full[0]]) if len(full) == 1 else (name, None)

    @inlineCallbacks
    def has_user(
        self, local_part: str, domain: str, home: str | None
    ) -> Generator[Deferred[Any], Any, bool]:
        """See `IUserSource`."""
        table = yield self._current()
        return f"{local_part}@{domain}" in table or (domain == home and local_part in table)

    @inlineCallbacks
    def has_domain(self, domain: str) -> Generator[Deferred[Any], Any, bool]:
        """See `IUserSource`. The domains are those of the addresses in the file."""
        table = yield self._current()
        return any(name.endswith(f"@{domain}") for name in table)
