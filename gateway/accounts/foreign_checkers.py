"""Checkers that are not ours: several of them in order, and the names they give, completed."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.error import LoginFailed, UnauthorizedLogin
from twisted.internet.defer import CancelledError, Deferred, inlineCallbacks, maybeDeferred
from zope.interface import implementer

from gateway.accounts.directory import EmbeddedDirectory


@implementer(ICredentialsChecker)
class HomeDomainChecker:
    """Completes the avatar ids of another checker: a name without a domain is one of ours.

    It belongs to the default domain, or else to the only one; where there are several and no
    default, nobody is meant. Whether the address exists is for the realm to say.

    @param checker: whose word counts.
    @param directory: says which domain is home.
    """

    def __init__(self, checker: Any, directory: EmbeddedDirectory) -> None:
        self.credentialInterfaces = tuple(checker.credentialInterfaces)
        self._checker = checker
        self._directory = directory

    @inlineCallbacks
    def requestAvatarId(self, credentials: Any) -> Generator[Deferred[Any], Any, bytes | tuple[()]]:
        """See `ICredentialsChecker`."""
        avatar_id = yield maybeDeferred(self._checker.requestAvatarId, credentials)
        if not avatar_id:
            raise UnauthorizedLogin  # anonymous: there is no mailbox for that
        name = avatar_id.encode("utf-8") if isinstance(avatar_id, str) else bytes(avatar_id)
        if b"@" in name:
            return name
        home = self._directory.home_domain()
        if home is None:
            raise UnauthorizedLogin("a name without a domain, and no default_domain is set")
        return name + b"@" + home.encode("ascii")


@implementer(ICredentialsChecker)
class CheckersInOrder:
    """Asks one checker after the other until one says yes.

    Where none does, but one could not say, that failure counts: nobody is told that a password is
    wrong which the source that is down may know.

    @param interface: the kind of credentials that all of them check.
    @param checkers: at least one.
    """

    def __init__(self, interface: Any, checkers: Sequence[Any]) -> None:
        self.credentialInterfaces = (interface,)
        self._checkers = tuple(checkers)

    @inlineCallbacks
    def requestAvatarId(self, credentials: Any) -> Generator[Deferred[Any], Any, Any]:
        """See `ICredentialsChecker`."""
        worst: Exception = UnauthorizedLogin()
        for checker in self._checkers:
            try:
                return (yield maybeDeferred(checker.requestAvatarId, credentials))
            except CancelledError:
                raise
            except LoginFailed:
                continue
            except Exception as error:
                worst = error
        raise worst
