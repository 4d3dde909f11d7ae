"""The directory of the embedded accounts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from zope.interface import implementer

from gateway.accounts.app_passwords import protocol_family
from gateway.accounts.database import AccountDatabase
from gateway.accounts.errors import AccountError, DatabaseUnavailable
from gateway.accounts.interfaces import Alias, DirectoryUnavailable, IVersionedDirectory, User
from gateway.accounts.names import canonical_domain, read_address
from gateway.accounts.records import UserRecord
from gateway.client import Client


@implementer(IVersionedDirectory)
class EmbeddedDirectory:
    """Answers from the account database, at once: each question is an indexed look-up.

    @param database: the accounts.
    @param default_domain: the domain of a user name without one; None where a bare name is to
        work only where it is unique. It need not be served yet.
    """

    def __init__(self, database: AccountDatabase, default_domain: str | None = None) -> None:
        self.database = database
        self._default_domain = canonical_domain(default_domain) if default_domain else None

    def version(self) -> object:
        """See `IVersionedDirectory`."""
        with _available():
            return self.database.answers.version()

    def has_domain(self, domain: str) -> bool:
        """See `IDirectory`."""
        with _available():
            return self.database.answers.get(self.database.has_domain, domain)

    def find(self, local_part: str, domain: str) -> User | Alias | None:
        """See `IDirectory`."""
        with _available():
            return self.database.answers.get(self._find, local_part, domain)

    def _find(self, local_part: str, domain: str) -> User | Alias | None:
        user = self.database.find_user(local_part, domain) if local_part else None
        if user is not None:
            return user_of(user, self.database.domain_settings.quota(domain))
        alias = self.database.find_alias(local_part, domain)
        return Alias(alias.targets) if alias is not None else None

    def find_login(self, name: str) -> User | None:
        """See `IDirectory`. A bare name is first looked for in the default domain."""
        try:
            return self.database.answers.get(self._find_login, name)
        except DatabaseUnavailable as error:
            raise DirectoryUnavailable(str(error)) from error

    def _find_login(self, name: str) -> User | None:
        return self._user_of(self._find_account(name))

    def find_account(self, name: str) -> UserRecord | None:
        """Return the account that `find_login` means, with its password hash.

        @raise DirectoryUnavailable: the database cannot be read now.
        """
        try:
            return self.database.answers.get(self._find_account, name)
        except DatabaseUnavailable as error:
            raise DirectoryUnavailable(str(error)) from error

    def _find_account(self, name: str) -> UserRecord | None:
        for addresses in self._readings(name):
            found = {
                record.address: record
                for address in addresses
                for record in self.database.users_behind(address)
            }
            if found:
                return found.popitem()[1] if len(found) == 1 else None
        return None

    def is_app_password(self, account: UserRecord, password: str, client: Client | None) -> bool:
        """Say whether a password is one of an account's app passwords, good for this client.

        @param client: None where nobody knows; then only one without a limit is good.
        @raise DirectoryUnavailable: the database cannot be read now.
        """
        with _available():
            found = self.database.app_passwords.find(account.address, password)
        if found is None or found.protocol is None:
            return found is not None
        return client is not None and protocol_family(client.protocol) == found.protocol

    def canonical_login(self, name: str) -> str:
        """Return the mailbox that `find_login` means, or for nobody the name in lower case, with
        the home domain where it has none.

        @raise DirectoryUnavailable: the database cannot be read now.
        """
        account = self.find_account(name)
        if account is not None:
            return account.address
        home = "" if "@" in name else self.home_domain() or ""
        return f"{name}@{home}".lower() if home else name.lower()

    def home_domain(self) -> str | None:
        """Return the domain of a name without one: the default, or else the only one there is.

        @raise DirectoryUnavailable: the database cannot be read now.
        """
        if self._default_domain is not None:
            return self._default_domain
        with _available():
            domains = self.database.domains()
        return domains[0] if len(domains) == 1 else None

    def first_user(self, domain: str = "") -> User | None:
        """Return the user that was added first, in a domain or anywhere.

        @raise DirectoryUnavailable: the database cannot be read now.
        """
        with _available():
            record = self.database.first_user(domain)
        return self._user_of(record)

    def _user_of(self, record: UserRecord | None) -> User | None:
        if record is None:
            return None
        with _available():
            quota = self.database.domain_settings.quota(record.address.rpartition("@")[2])
        return user_of(record, quota)

    def _readings(self, name: str) -> Iterator[list[str]]:
        """Yield what a user name may mean, the best reading first: addresses it stands for."""
        try:
            if "@" in name:
                yield [read_address(name).canonical]
                return
            if self._default_domain is not None:
                yield [read_address(f"{name}@{self._default_domain}").canonical]
            local_part = read_address(f"{name}@localhost").local_part
        except AccountError:
            return
        yield self.database.addresses_of(local_part)


def user_of(record: UserRecord, domain_quota: tuple[int | None, int | None]) -> User:
    """Return what the directory tells of an account.

    @param domain_quota: octets and messages, of the account's domain.
    """
    return User(
        record.address,
        record.enabled,
        record.quota_octets,
        record.quota_messages,
        *domain_quota,
    )


@contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except DatabaseUnavailable as error:
        raise DirectoryUnavailable(str(error)) from error
