"""The checkers of the embedded accounts (`twisted.cred`)."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernameHashedPassword, IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred, fail, inlineCallbacks, maybeDeferred, succeed
from twisted.python.failure import Failure
from zope.interface import implementer

from gateway.accounts.directory import EmbeddedDirectory
from gateway.accounts.errors import DatabaseUnavailable
from gateway.accounts.hashing import HashingOverloaded, HashingPool
from gateway.accounts.interfaces import DirectoryUnavailable
from gateway.accounts.passwords import decode_password, prepare_password
from gateway.accounts.records import UserRecord
from gateway.accounts.schemes import hash_password, needs_upgrade
from gateway.accounts.scram import make_verifiers
from gateway.events import EventStream, InternalError, Trouble

AvatarId = bytes | tuple[()]
"""As `ICredentialsChecker` has it; here always the mailbox, in UTF-8."""


def text_of(name: bytes | str) -> str:
    """Return a user name as text; what is not UTF-8 in it means nobody."""
    return name if isinstance(name, str) else name.decode("utf-8", "replace")


@implementer(ICredentialsChecker)
class EmbeddedPasswordChecker:
    """Checks a user name and password, both octets in UTF-8 (or str).

    The avatar id is the mailbox in UTF-8. Nobody, a disabled account and a wrong password look the
    same and cost the same. A hash that is not as ours are made now is replaced after a login, and
    SCRAM verifiers are made where there are none. The app passwords of an account are as good as
    its password, for the protocol they are meant for.

    @param directory: the accounts.
    @param hashing: where passwords are hashed.
    @param events: where trouble with replacing a hash is told.
    """

    credentialInterfaces = (IUsernamePassword,)

    def __init__(
        self,
        directory: EmbeddedDirectory,
        hashing: HashingPool,
        events: EventStream | None = None,
    ) -> None:
        self._directory = directory
        self._hashing = hashing
        self._events = events if events is not None else EventStream()

    def requestAvatarId(self, credentials: Any) -> Deferred[AvatarId]:
        """See `ICredentialsChecker`.

        @return: fails with `UnauthorizedLogin`; with `DirectoryUnavailable` or
            `HashingOverloaded` where nothing can be said about the password now.
        """
        password = credentials.password
        if isinstance(password, bytes):
            password = decode_password(password)
        try:
            account = self._directory.find_account(text_of(credentials.username))
        except DirectoryUnavailable:
            return fail()
        if (
            account is not None
            and account.enabled
            and self._hashing.is_proven(password, account.password_hash)
        ):
            return succeed(account.address.encode("utf-8"))
        return self._check(credentials, password, account)

    @inlineCallbacks
    def _check(
        self, credentials: Any, password: str, account: UserRecord | None
    ) -> Generator[Deferred[bool], bool, AvatarId]:
        if account is None or not account.enabled:
            yield self._hashing.verify_nobody(password)
            raise UnauthorizedLogin
        client = getattr(credentials, "client", None)
        if self._directory.is_app_password(account, password, client):
            return account.address.encode("utf-8")
        if not (yield self._hashing.verify(password, account.password_hash)):
            raise UnauthorizedLogin
        if self._can_be_better(account):
            self._upgrade(account, password)
        return account.address.encode("utf-8")

    def _can_be_better(self, account: UserRecord) -> bool:
        if account.scram is None and self._hashing.scram_iterations:
            return True
        return needs_upgrade(account.password_hash, self._hashing.parameters)

    def _upgrade(self, account: UserRecord, password: str) -> None:
        """Begin to make what is missing beside, or instead of, the hash of an account.

        The login does not wait for it.
        """

        def replace() -> None:
            better, scram = account.password_hash, account.scram
            if needs_upgrade(better, self._hashing.parameters):
                better = hash_password(password, self._hashing.parameters)
            if scram is None and self._hashing.scram_iterations:
                scram = make_verifiers(password, self._hashing.scram_iterations)
            self._directory.database.replace_hash(
                account.address, account.password_hash, better, scram
            )

        self._hashing.run(replace).addErrback(self._tell)

    def _tell(self, failure: Failure) -> None:
        if failure.check(HashingOverloaded):
            return  # the next login tries again
        if failure.check(DatabaseUnavailable):
            self._events.emit(Trouble("accounts", str(failure.value)))
        else:
            self._events.emit(InternalError("EmbeddedPasswordChecker", failure))


@implementer(ICredentialsChecker)
class EmbeddedSecretChecker:
    """Checks what APOP and CRAM-MD5 prove, for the accounts that keep their secret.

    The avatar id is the mailbox in UTF-8.

    @param directory: the accounts.
    """

    credentialInterfaces = (IUsernameHashedPassword,)

    def __init__(self, directory: EmbeddedDirectory) -> None:
        self._directory = directory

    @inlineCallbacks
    def requestAvatarId(self, credentials: Any) -> Generator[Deferred[Any], Any, AvatarId]:
        """See `ICredentialsChecker`. It fails as `EmbeddedPasswordChecker` does."""
        account = self._directory.find_account(text_of(credentials.username))
        if account is None or not account.enabled or account.secret is None:
            raise UnauthorizedLogin
        secret = prepare_password(account.secret)
        if not (yield maybeDeferred(credentials.checkPassword, secret)):
            raise UnauthorizedLogin
        return account.address.encode("utf-8")
