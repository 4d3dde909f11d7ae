"""The embedded addresses, and behind them those of outside sources."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks, maybeDeferred
from zope.interface import implementer

from gateway.accounts.directory import EmbeddedDirectory
from gateway.accounts.errors import AccountError
from gateway.accounts.interfaces import Alias, IDirectory, User
from gateway.accounts.names import AccountName, read_address


@implementer(IDirectory)
class JoinedDirectory:
    """Answers from the embedded list first; an address that is not in it may be a source's.

    So an alias, a quota or a disabled account of the embedded list goes before what a source says.

    @param embedded: the embedded list.
    @param sources: each an `IUserSource`.
    """

    def __init__(self, embedded: EmbeddedDirectory, sources: Sequence[Any]) -> None:
        self._embedded = embedded
        self._sources = tuple(sources)

    @inlineCallbacks
    def has_domain(self, domain: str) -> Generator[Deferred[Any], Any, bool]:
        """See `IDirectory`. The home domain is served wherever there is a source."""
        if self._embedded.has_domain(domain) or domain == self._embedded.home_domain():
            return True
        for source in self._sources:
            if (yield maybeDeferred(source.has_domain, domain)):
                return True
        return False

    @inlineCallbacks
    def find(
        self, local_part: str, domain: str
    ) -> Generator[Deferred[Any], Any, User | Alias | None]:
        """See `IDirectory`."""
        found = self._embedded.find(local_part, domain)
        if found is not None or not local_part:
            return found
        name = _read(local_part, domain)
        return None if name is None else (yield self._ask(name))

    @inlineCallbacks
    def find_login(self, name: str) -> Generator[Deferred[Any], Any, User | None]:
        """See `IDirectory`."""
        found = self._embedded.find_login(name)
        if found is not None:
            return found
        home = self._embedded.home_domain()
        local_part, at, domain = name.rpartition("@")
        if not at:
            local_part, domain = name, home or ""
        read = _read(local_part, domain)
        if read is None or self._embedded.find(read.local_part, read.domain) is not None:
            return None
        return (yield self._ask(read))

    @inlineCallbacks
    def _ask(self, name: AccountName) -> Generator[Deferred[Any], Any, User | None]:
        home = self._embedded.home_domain()
        for source in self._sources:
            asking = maybeDeferred(source.has_user, name.local_part, name.domain, home)
            if (yield asking):
                return User(name.canonical)
        return None


def _read(local_part: str, domain: str) -> AccountName | None:
    try:
        return read_address(f"{local_part}@{domain}")
    except AccountError:
        return None
