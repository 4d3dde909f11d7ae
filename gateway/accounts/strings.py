"""Checkers from strings, as `--auth` and `[auth] checkers` take them (`twisted.cred.strcred`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.credentials import IUsernameHashedPassword, IUsernamePassword
from twisted.cred.strcred import (
    ICheckerFactory,
    InvalidAuthArgumentString,
    InvalidAuthType,
    findCheckerFactories,
    findCheckerFactory,
)

from gateway.accounts.credentials import IBearerToken
from gateway.accounts.directory import EmbeddedDirectory
from gateway.accounts.errors import AccountError
from gateway.accounts.foreign_checkers import HomeDomainChecker
from gateway.accounts.interfaces import IUserSource
from gateway.accounts.sources.kinds import SourceKind
from gateway.accounts.sources.surroundings import Surroundings
from gateway.accounts.sources.system_users import SystemUsers

EMBEDDED = "embedded"
"""The string that stands for the accounts of the data folder."""
USABLE = (IUsernamePassword, IUsernameHashedPassword, IBearerToken)
"""The kinds of credentials that POP3 and SMTP bring."""


@dataclass(frozen=True, slots=True)
class Believed:
    """What a list of strings stands for."""

    checkers: tuple[Any, ...]
    """Asked in this order."""
    sources: tuple[Any, ...]
    """Those that can say who exists: each an `IUserSource`."""


def checkers_from(
    strings: Iterable[str],
    embedded: Sequence[Any],
    directory: EmbeddedDirectory,
    surroundings: Surroundings,
) -> Believed:
    """Return the checkers that strings name, in their order.

    @param strings: "embedded", or KIND or KIND:ARGUMENT of any strcred plugin that is installed.
    @param embedded: the checkers that "embedded" stands for.
    @param directory: where the names that the others give are completed.
    @param surroundings: given to those that are ours.
    @raise AccountError: a string names no checker, or one that cannot be made.
    """
    checkers: list[Any] = []
    sources: list[Any] = []
    for string in strings:
        if string == EMBEDDED:
            checkers += embedded
            continue
        checker = _make(string, surroundings)
        checkers.append(HomeDomainChecker(checker, directory))
        if IUserSource.providedBy(checker):
            sources.append(checker)
        elif string.partition(":")[0] == "unix":
            sources.append(SystemUsers(surroundings))
    return Believed(tuple(checkers), tuple(sources))


def kinds() -> list[str]:
    """Return the kinds of checkers there are."""
    return [EMBEDDED, *sorted({factory.authType for factory in _usable_factories()})]


def described_kinds() -> list[tuple[str, str]]:
    """Return each kind, and how it is written and what it is, on one line."""
    rows = {
        factory.authType: f"{factory.authType}:{factory.argStringFormat} "
        + " ".join(factory.authHelp.split())
        for factory in _usable_factories()
    }
    return [(EMBEDDED, "The accounts of the data folder; the default."), *sorted(rows.items())]


def _usable_factories() -> Iterator[Any]:
    for factory in findCheckerFactories():
        if any(interface in USABLE for interface in factory.credentialInterfaces):
            yield factory


def _make(string: str, surroundings: Surroundings) -> Any:
    kind, _, argument = string.partition(":")
    factory = _factory(string, kind)
    if kind == "file" and not Path(argument).is_file():
        # The plugin only prints a warning, and its checker then takes every password for wrong.
        raise AccountError(
            f"the checker {string!r} needs a file with lines NAME:PASSWORD, and there is none at "
            f"{argument!r}: write file:PATH"
        )
    try:
        if isinstance(factory, SourceKind):
            checker = factory.make(argument, surroundings)
        else:
            checker = factory.generateChecker(argument)
    except (InvalidAuthArgumentString, ValueError, OSError) as error:
        raise AccountError(
            f"the checker {_without_argument(string)} cannot be made: {error}; "
            f"it takes: {factory.argStringFormat}"
        ) from None
    if isinstance(checker, InMemoryUsernamePasswordDatabaseDontUse):
        _encode_users(checker)
    return checker


def _factory(string: str, kind: str) -> ICheckerFactory:
    try:
        factory: Any = findCheckerFactory(kind)
    except InvalidAuthType:
        factory = None
    if factory is None or not any(i in USABLE for i in factory.credentialInterfaces):
        raise AccountError(
            f"there is no checker {_without_argument(string)} for passwords; "
            f"there are: {', '.join(kinds())}"
        )
    return factory


def _without_argument(string: str) -> str:
    """Return what may be shown of a string: the argument may hold passwords."""
    kind, colon, _ = string.partition(":")
    return repr(f"{kind}:..." if colon else kind)


def _encode_users(checker: InMemoryUsernamePasswordDatabaseDontUse) -> None:
    # The plugin fills in text, where the checker promises octets and is asked with octets.
    users: dict[Any, Any] = checker.users
    checker.users = {_octets(name): _octets(password) for name, password in users.items()}


def _octets(text: str | bytes) -> bytes:
    return text.encode("utf-8") if isinstance(text, str) else text
