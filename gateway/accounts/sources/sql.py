"""Users from an SQL database, by queries of the administrator's (`twisted.enterprise.adbapi`)."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.enterprise.adbapi import ConnectionPool
from twisted.internet.defer import Deferred, inlineCallbacks
from zope.interface import implementer

from gateway.accounts.errors import AccountError
from gateway.accounts.interfaces import IUserSource
from gateway.accounts.passwords import decode_password
from gateway.accounts.sources.surroundings import Surroundings, unavailable
from gateway.accounts.sources.toml_file import SourceSettings, read_settings


class SQLSettings(SourceSettings):
    """The file of `sql:FILE`. Each query has one parameter, in the way of its module."""

    module: str
    """The Python module of the database (DB-API 2.0): "sqlite3", "psycopg2", "pymysql"."""
    connect: dict[str, Any]
    """What its `connect` takes."""
    password: str
    """The query for the password hash of an address, and perhaps, in a second column, the
    address of its mailbox."""
    user: str | None = None
    """The query that has a row for an address that receives mail; the one for the password by
    default."""
    domain: str | None = None
    """The query that has a row for a domain that is served here. Without it, those of `pop3gw
    domain add` are."""


@implementer(ICredentialsChecker, IUserSource)
class SQLChecker:
    """Checks passwords against hashes that a query finds, and answers who exists.

    A query is asked for an address in lower case; for a name without a domain, for that name.

    @raise AccountError: something in the file is wrong.
    """

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self, path: Path, surroundings: Surroundings) -> None:
        self._settings = read_settings(path, SQLSettings)
        self._path = path
        self._hashing = surroundings.hashing
        connect = dict(self._settings.connect)
        if self._settings.module == "sqlite3":
            connect.setdefault("check_same_thread", False)  # the pool closes in another thread
            if isinstance(database := connect.get("database"), str):
                connect["database"] = str(path.parent / database)
        try:
            self._pool: Any = ConnectionPool(
                self._settings.module,
                cp_reactor=surroundings.reactor,
                cp_min=1,
                cp_max=5,
                cp_reconnect=True,
                **connect,
            )
        except ImportError:
            raise AccountError(
                f"{path}: module: there is no {self._settings.module!r} here; install it"
            ) from None

    @inlineCallbacks
    def _ask(self, query: str, name: str) -> Generator[Deferred[Any], Any, Any]:
        try:
            rows = yield self._pool.runQuery(query, (name,))
        except Exception as error:
            # Each module has its own classes of errors; all of them mean: nobody can say now.
            raise unavailable(f"the database of {self._path}", error) from error
        return rows[0] if rows else None

    @inlineCallbacks
    def requestAvatarId(self, credentials: Any) -> Generator[Deferred[Any], Any, bytes | tuple[()]]:
        """See `ICredentialsChecker`."""
        name = credentials.username.decode("utf-8", "replace").lower()
        password = decode_password(credentials.password)
        row = yield self._ask(self._settings.password, name)
        if row is None or not row[0]:
            yield self._hashing.verify_nobody(password)
            raise UnauthorizedLogin
        if not (yield self._hashing.verify(password, str(row[0]))):
            raise UnauthorizedLogin
        mailbox = str(row[1]) if len(row) > 1 and row[1] else name
        return mailbox.lower().encode("utf-8")

    @inlineCallbacks
    def has_user(
        self, local_part: str, domain: str, home: str | None
    ) -> Generator[Deferred[Any], Any, bool]:
        """See `IUserSource`."""
        query = self._settings.user or self._settings.password
        if (yield self._ask(query, f"{local_part}@{domain}")) is not None:
            return True
        return domain == home and (yield self._ask(query, local_part)) is not None

    @inlineCallbacks
    def has_domain(self, domain: str) -> Generator[Deferred[Any], Any, bool]:
        """See `IUserSource`."""
        if self._settings.domain is None:
            return False
        return (yield self._ask(self._settings.domain, domain)) is not None
