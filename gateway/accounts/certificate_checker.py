"""The checker of client certificates (`twisted.cred`)."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred, inlineCallbacks, maybeDeferred
from zope.interface import implementer

from gateway.accounts.credentials import ICertificateCredentials
from gateway.accounts.errors import AccountError
from gateway.accounts.interfaces import IDirectory
from gateway.accounts.names import read_address


@implementer(ICredentialsChecker)
class CertificateChecker:
    """Lets in whose address stands in a certificate that the TLS side has checked.

    Whoever signs the certificates (`[tls] client_ca`) is believed for all addresses here. Only
    addresses count that are a user's own: an alias is nobody's alone. The avatar id is the
    mailbox in UTF-8.

    @param directory: an `IDirectory`.
    """

    credentialInterfaces = (ICertificateCredentials,)

    def __init__(self, directory: Any) -> None:
        self._directory: Any = IDirectory(directory)

    @inlineCallbacks
    def requestAvatarId(self, credentials: Any) -> Generator[Deferred[Any], Any, bytes | tuple[()]]:
        """See `ICredentialsChecker`."""
        wanted = credentials.username.decode("utf-8", "replace")
        asked = (yield maybeDeferred(self._directory.find_login, wanted)) if wanted else None
        for address in credentials.addresses:
            user = yield maybeDeferred(self._directory.find_login, address)
            if user is None or not user.enabled or user.mailbox != _canonical(address):
                continue
            if not wanted or (asked is not None and asked.mailbox == user.mailbox):
                return bytes(user.mailbox.encode("utf-8"))
        raise UnauthorizedLogin


def _canonical(address: str) -> str | None:
    try:
        return read_address(address).canonical
    except AccountError:
        return None
