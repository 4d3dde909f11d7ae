"""The table of SASL mechanisms. A new one is a module beside this and a row in here."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from twisted.cred.credentials import IUsernameHashedPassword, IUsernamePassword
from twisted.cred.portal import Portal

from gateway.accounts.sasl.cram_md5 import CramMD5
from gateway.accounts.sasl.login import Login
from gateway.accounts.sasl.plain import Plain


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One row."""

    name: str
    """As registered with IANA, in upper case."""
    make: Callable[[str], Any]
    """Takes the name of this machine; returns an `ISASLMechanism` for one exchange."""
    credentials: Any
    """The interface of the credentials it ends in: the portal must take them."""
    plaintext: bool
    """Whether the password travels, so that it needs a line that nobody can listen to."""
    announced: bool
    """Whether it is announced without being asked for by name. Many clients take what is
    announced and never fall back, so one that not every account can use is not."""

    def usable_with(self, portal: Portal) -> bool:
        """Say whether a portal takes what this mechanism ends in."""
        return self.credentials in portal.listCredentialsInterfaces()


_ROWS = (
    Mechanism("PLAIN", lambda _host: Plain(), IUsernamePassword, plaintext=True, announced=True),
    Mechanism("LOGIN", lambda _host: Login(), IUsernamePassword, plaintext=True, announced=True),
    Mechanism("CRAM-MD5", CramMD5, IUsernameHashedPassword, plaintext=False, announced=False),
)

MECHANISMS: dict[str, Mechanism] = {row.name: row for row in _ROWS}
"""By name, the best first."""


def offered(portal: Portal, *, secure_line: bool, announce: Collection[str]) -> list[str]:
    """Return the names of the mechanisms to announce, the best first.

    @param secure_line: whether a password may travel on this connection as it is now.
    @param announce: names of mechanisms that are announced although not every account can use
        them. Not named here, they are accepted all the same.
    """
    return [
        row.name
        for row in MECHANISMS.values()
        if row.usable_with(portal)
        and (secure_line or not row.plaintext)
        and (row.announced or row.name in announce)
    ]
