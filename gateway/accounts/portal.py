"""The way into a gateway: its accounts, its store, and the checkers it is to believe."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from twisted.cred.portal import Portal

from gateway.accounts.certificate_checker import CertificateChecker
from gateway.accounts.checkers import EmbeddedPasswordChecker, EmbeddedSecretChecker
from gateway.accounts.directory import EmbeddedDirectory
from gateway.accounts.foreign_checkers import CheckersInOrder
from gateway.accounts.joined_directory import JoinedDirectory
from gateway.accounts.policies import MailboxPolicy
from gateway.accounts.realm import MailRealm
from gateway.accounts.scram import DEFAULT_ITERATIONS
from gateway.accounts.scram_checker import EmbeddedScramChecker
from gateway.accounts.sources.surroundings import Surroundings
from gateway.accounts.strings import EMBEDDED, USABLE, checkers_from
from gateway.events import EventStream


@dataclass(frozen=True, slots=True)
class Access:
    """Who may come in, and who exists."""

    portal: Portal
    directory: Any
    """An `IDirectory`: the embedded list, and the users of the outside sources."""


def build_access(
    directory: EmbeddedDirectory,
    store: Any,
    surroundings: Surroundings,
    *,
    checkers: Iterable[str] = (EMBEDDED,),
    events: EventStream | None = None,
    policy_of: Callable[[str], MailboxPolicy] | None = None,
) -> Access:
    """Return the portal through which users come to their mailboxes, and the whole directory.

    @param store: an `IMailStore`.
    @param surroundings: what the checkers work with.
    @param checkers: who is believed, as strings, asked in this order (see `strings.checkers_from`).
    @param policy_of: see `MailRealm`.
    @raise AccountError: a string names no checker.
    """
    hashing = surroundings.hashing
    embedded = (
        EmbeddedPasswordChecker(directory, hashing, events),
        EmbeddedSecretChecker(directory),
    )
    strings = tuple(checkers)
    believed = checkers_from(strings, embedded, directory, surroundings)
    whole: Any = JoinedDirectory(directory, believed.sources) if believed.sources else directory
    portal = Portal(MailRealm(store, whole, policy_of))
    portal.registerChecker(CertificateChecker(whole))
    if EMBEDDED in strings:
        alone = set(strings) == {EMBEDDED}
        iterations = hashing.scram_iterations or DEFAULT_ITERATIONS
        portal.registerChecker(EmbeddedScramChecker(directory, alone=alone, iterations=iterations))
    for interface in USABLE:
        able = [one for one in believed.checkers if interface in one.credentialInterfaces]
        if able:
            checker = able[0] if len(able) == 1 else CheckersInOrder(interface, able)
            portal.registerChecker(checker, interface)
    return Access(portal, whole)
