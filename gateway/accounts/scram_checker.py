"""The checker of what SCRAM proves, for the embedded accounts (`twisted.cred`)."""

from __future__ import annotations

from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred, execute
from zope.interface import implementer

from gateway.accounts.credentials import IScramCredentials
from gateway.accounts.directory import EmbeddedDirectory
from gateway.accounts.errors import DatabaseUnavailable
from gateway.accounts.interfaces import IScramChecker
from gateway.accounts.scram import (
    DEFAULT_ITERATIONS,
    ScramVerifier,
    decoy_verifier,
    read_verifier,
)


@implementer(ICredentialsChecker, IScramChecker)
class EmbeddedScramChecker:
    """Keeps the verifiers, and believes what was proved with one that is still the account's.

    The avatar id is the mailbox in UTF-8.

    @param directory: the accounts.
    @param alone: whether no other checker is asked for passwords, of which nobody could say
        whether they have verifiers.
    @param iterations: of a verifier for nobody: what the accounts have.
    """

    credentialInterfaces = (IScramCredentials,)

    def __init__(
        self,
        directory: EmbeddedDirectory,
        *,
        alone: bool = True,
        iterations: int = DEFAULT_ITERATIONS,
    ) -> None:
        self._directory = directory
        self._alone = alone
        self._iterations = iterations

    def verifier_of(self, username: str, mechanism: str) -> ScramVerifier:
        """See `IScramChecker`."""
        account = self._directory.find_account(username)
        found = read_verifier(account.scram, mechanism) if account and account.enabled else None
        # Made in any case, so that nobody costs no more than somebody.
        nobody = decoy_verifier(
            self._directory.database.decoy_key, username.lower(), mechanism, self._iterations
        )
        return found if found is not None else nobody

    def everybody(self) -> bool:
        """See `IScramChecker`."""
        try:
            return self._alone and self._directory.database.scram_serves_everybody()
        except DatabaseUnavailable:
            return False

    def requestAvatarId(self, credentials: Any) -> Deferred[bytes | tuple[()]]:
        """See `ICredentialsChecker`. It fails as `EmbeddedPasswordChecker` does."""
        return execute(self._check, credentials)

    def _check(self, credentials: Any) -> bytes | tuple[()]:
        account = self._directory.find_account(credentials.username.decode("utf-8", "replace"))
        if account is None or not account.enabled or not credentials.proven:
            raise UnauthorizedLogin
        verifier = read_verifier(account.scram, credentials.mechanism)
        if verifier is None or verifier.stored_key != credentials.stored_key:
            raise UnauthorizedLogin  # the password was changed in between
        return account.address.encode("utf-8")
