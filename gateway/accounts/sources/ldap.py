"""Users from an LDAP directory (with the extra `ldap`, ldap3)."""

from __future__ import annotations

import ssl
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred, inlineCallbacks
from zope.interface import implementer

from gateway.accounts.errors import AccountError
from gateway.accounts.interfaces import IUserSource
from gateway.accounts.passwords import decode_password
from gateway.accounts.sources.surroundings import Surroundings, unavailable
from gateway.accounts.sources.toml_file import SourceSettings, read_settings
from gateway.client import is_loopback

_TIMEOUT_SECONDS = 10


class LDAPSettings(SourceSettings):
    """The file of `ldap:FILE`."""

    server: str
    """"ldaps://HOST[:PORT]"; "ldap://" for this machine only, since passwords travel."""
    base: str
    """The entry below which people are looked for."""
    filter: str = "(mail={name})"
    """Which entry is meant; {name} is what the person typed, escaped (RFC 4515)."""
    address: str = "mail"
    """The attribute that holds the address of the mailbox."""
    bind_dn: str | None = None
    """As whom to search; anonymously by default."""
    bind_password: str | None = None
    ca: str | None = None
    """The file of the CA that signed the server's certificate; those of the system by default."""


@implementer(ICredentialsChecker, IUserSource)
class LDAPChecker:
    """Finds a person's entry, then binds as that entry with the password.

    @raise AccountError: ldap3 is not installed, or something in the file is wrong.
    """

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self, path: Path, surroundings: Surroundings) -> None:
        try:
            import ldap3
        except ImportError:
            raise AccountError("the checker ldap needs ldap3: pip install 'pop3gw[ldap]'") from None
        self._settings = read_settings(path, LDAPSettings)
        self._in_thread = surroundings.bounded()
        self._ldap3: Any = ldap3
        url = urlsplit(self._settings.server)
        host = url.hostname or ""
        secure = url.scheme == "ldaps"
        local = url.scheme == "ldap" and (host == "localhost" or (host and is_loopback(host)))
        if not host or not (secure or local):
            raise AccountError(
                f"{path}: server: write ldaps://HOST; ldap:// is for this machine only"
            )
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=self._ca(path))
        self._server: Any = ldap3.Server(
            host,
            port=url.port or (636 if secure else 389),
            use_ssl=secure,
            tls=tls if secure else None,
            get_info=ldap3.NONE,
            connect_timeout=_TIMEOUT_SECONDS,
        )

    def _ca(self, path: Path) -> str | None:
        if self._settings.ca is not None:
            return str(path.parent / self._settings.ca)
        return ssl.get_default_verify_paths().cafile

    def _connection(self, user: str | None, password: str | None) -> Any:
        return self._ldap3.Connection(
            self._server,
            user,
            password,
            receive_timeout=_TIMEOUT_SECONDS,
            read_only=True,
            raise_exceptions=False,
        )

    def _search(self, name: str) -> tuple[str, str] | None:
        """Return the DN and the address of the one entry that a name means. Blocks."""
        from ldap3.utils.conv import escape_filter_chars

        settings = self._settings
        connection = self._connection(settings.bind_dn, settings.bind_password)
        try:
            if not connection.bind():
                raise ConnectionError(f"bind refused: {connection.result['description']}")
            query = settings.filter.replace("{name}", escape_filter_chars(name))
            connection.search(settings.base, query, attributes=[settings.address], size_limit=2)
            if connection.result["result"] not in (0, 4, 32):
                raise ConnectionError(f"search failed: {connection.result['description']}")
            found = [one for one in connection.response if one["type"] == "searchResEntry"]
        finally:
            connection.unbind()
        if len(found) != 1:
            return None
        values = found[0]["attributes"].get(settings.address)
        first = values[0] if isinstance(values, list) and values else values
        return str(found[0]["dn"]), str(first or name).lower()

    def _prove(self, name: str, password: str) -> str | None:
        """Return the address of whom a password is right, None where it is wrong. Blocks."""
        found = self._search(name)
        if found is None or not password:  # an empty one would be an anonymous bind (RFC 4513 5.1)
            return None
        connection = self._connection(found[0], password)
        try:
            if connection.bind():
                return found[1]
            if connection.result["result"] in (49, 50, 53, 19, 48):
                return None
            raise ConnectionError(f"bind failed: {connection.result['description']}")
        finally:
            connection.unbind()

    @inlineCallbacks
    def _ask(self, function: Any, *arguments: str) -> Generator[Deferred[Any], Any, Any]:
        try:
            return (yield self._in_thread(function, *arguments))
        except (self._ldap3.core.exceptions.LDAPException, OSError) as error:
            raise unavailable(self._settings.server, error) from error

    @inlineCallbacks
    def requestAvatarId(self, credentials: Any) -> Generator[Deferred[Any], Any, bytes | tuple[()]]:
        """See `ICredentialsChecker`."""
        name = credentials.username.decode("utf-8", "replace").lower()
        address = yield self._ask(self._prove, name, decode_password(credentials.password))
        if address is None:
            raise UnauthorizedLogin
        return bytes(address.encode("utf-8"))

    @inlineCallbacks
    def has_user(
        self, local_part: str, domain: str, home: str | None
    ) -> Generator[Deferred[Any], Any, bool]:
        """See `IUserSource`."""
        address = f"{local_part}@{domain}"
        names = (address, local_part) if domain == home else (address,)
        for name in names:
            found = yield self._ask(self._search, name)
            if found is not None and found[1] in names:
                return True
        return False

    def has_domain(self, domain: str) -> bool:  # noqa: ARG002
        """See `IUserSource`. A directory of people does not say: `pop3gw domain add` does."""
        return False
