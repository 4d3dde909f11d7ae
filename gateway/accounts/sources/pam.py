"""Passwords of system users, checked by PAM (with the extra `pam`, python-pam)."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred, inlineCallbacks
from zope.interface import implementer

from gateway.accounts.errors import AccountError
from gateway.accounts.passwords import decode_password
from gateway.accounts.sources.surroundings import Surroundings, unavailable

DEFAULT_SERVICE = "pop3gw"
_NOBODY_CAN_SAY = frozenset({"PAM_AUTHINFO_UNAVAIL", "PAM_SYSTEM_ERR", "PAM_ABORT", "PAM_BUF_ERR"})


@implementer(ICredentialsChecker)
class PAMChecker:
    """Asks PAM for the name before the @, which is also the avatar id.

    @param service: the name of a file in /etc/pam.d; "" is "pop3gw".
    @raise AccountError: python-pam is not installed, or this system has no PAM.
    """

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self, service: str, surroundings: Surroundings) -> None:
        try:
            import pam
        except (ImportError, OSError, AttributeError):
            raise AccountError(
                "the checker pam needs python-pam and a system with PAM: pip install 'pop3gw[pam]'"
            ) from None
        self._pam: Any = pam
        self._service = service or DEFAULT_SERVICE
        self._temporary = {getattr(pam, name) for name in _NOBODY_CAN_SAY}
        self._in_thread = surroundings.bounded()

    @inlineCallbacks
    def requestAvatarId(self, credentials: Any) -> Generator[Deferred[Any], Any, bytes | tuple[()]]:
        """See `ICredentialsChecker`."""
        name = credentials.username.decode("utf-8", "replace")
        password = decode_password(credentials.password)
        code, reason = yield self._in_thread(self._ask, name.partition("@")[0], password)
        if code in self._temporary:
            raise unavailable(f"PAM ({self._service})", ValueError(reason))
        if code != self._pam.PAM_SUCCESS:
            raise UnauthorizedLogin
        return bytes(credentials.username.lower())

    def _ask(self, user: str, password: str) -> tuple[int, str]:
        if "\0" in password or "\0" in user:
            return int(self._pam.PAM_AUTH_ERR), ""
        authenticator = self._pam.PamAuthenticator()
        if authenticator.authenticate(
            user, password.encode("utf-8", "surrogateescape"), self._service, resetcreds=False
        ):
            return int(self._pam.PAM_SUCCESS), ""
        return int(authenticator.code), str(authenticator.reason)
