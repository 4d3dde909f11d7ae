"""System users as a source, beside Twisted's checker `unix`."""

from __future__ import annotations

import pwd
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import implementer

from gateway.accounts.interfaces import IUserSource
from gateway.accounts.sources.surroundings import Surroundings

_FIRST_PERSON = 1000
"""User ids below are the system's own, on nearly all systems; root and the like get mail by an
alias."""


@implementer(IUserSource)
class SystemUsers:
    """The people who have a user id on this machine, in the home domain."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._in_thread = surroundings.bounded()

    def has_user(self, local_part: str, domain: str, home: str | None) -> bool | Deferred[Any]:
        """See `IUserSource`. The look-up may go over the network (NSS)."""
        return domain == home and self._in_thread(_is_person, local_part)

    def has_domain(self, domain: str) -> bool:  # noqa: ARG002
        """See `IUserSource`. The home domain is known without it."""
        return False


def _is_person(name: str) -> bool:
    try:
        uid = pwd.getpwnam(name).pw_uid
    except (KeyError, ValueError, UnicodeEncodeError):
        return False
    return _FIRST_PERSON <= uid < 65_534
