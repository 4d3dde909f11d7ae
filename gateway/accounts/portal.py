"""The portal of a gateway: its accounts, its store, and the checkers it is to believe."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.cred.portal import Portal

from gateway.accounts.checkers import EmbeddedPasswordChecker, EmbeddedSecretChecker
from gateway.accounts.directory import EmbeddedDirectory
from gateway.accounts.foreign_checkers import CheckersInOrder
from gateway.accounts.hashing import HashingPool
from gateway.accounts.realm import MailRealm
from gateway.accounts.strings import EMBEDDED, USABLE, checkers_from
from gateway.events import EventStream


def build_portal(
    directory: EmbeddedDirectory,
    store: Any,
    hashing: HashingPool,
    *,
    checkers: Iterable[str] = (EMBEDDED,),
    events: EventStream | None = None,
) -> Portal:
    """Return the portal through which the users of a directory come to their mailboxes.

    @param store: an `IMailStore`.
    @param checkers: who is believed, as strings, asked in this order (see `strings.checkers_from`).
    @raise AccountError: a string names no checker.
    """
    embedded = (
        EmbeddedPasswordChecker(directory, hashing, events),
        EmbeddedSecretChecker(directory),
    )
    believed = checkers_from(checkers, embedded, directory)
    portal = Portal(MailRealm(store, directory))
    for interface in USABLE:
        able = [checker for checker in believed if interface in checker.credentialInterfaces]
        if able:
            portal.registerChecker(CheckersInOrder(interface, able), interface)
    return portal
