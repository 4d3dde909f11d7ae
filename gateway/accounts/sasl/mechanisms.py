"""The table of SASL mechanisms. A new one is a module beside this and a row in here."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any

from twisted.cred.credentials import IUsernameHashedPassword, IUsernamePassword

from gateway.accounts.credentials import (
    IBearerToken,
    ICertificateCredentials,
    IScramCredentials,
)
from gateway.accounts.interfaces import IScramChecker
from gateway.accounts.sasl.channel import Channel
from gateway.accounts.sasl.cram_md5 import CramMD5
from gateway.accounts.sasl.external import External
from gateway.accounts.sasl.login import Login
from gateway.accounts.sasl.oauth import OAuthBearer, XOAuth2
from gateway.accounts.sasl.plain import Plain
from gateway.accounts.sasl.scram import Scram

Condition = Callable[[Channel], bool]


def _always(_channel: Channel) -> bool:
    return True


def _never(_channel: Channel) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One row."""

    name: str
    """As registered with IANA, in upper case."""
    make: Callable[[Channel], Any]
    """Takes the connection; returns an `ISASLMechanism` for one exchange."""
    credentials: Any
    """The interface of the credentials it ends in: the portal must take them."""
    plaintext: bool = False
    """Whether the password travels, so that it needs a line that nobody can listen to."""
    announced: Condition = _always
    """Whether it is announced without being asked for by name. Many clients take what is
    announced and never fall back, so one that not every account can use is not."""
    possible: Condition = _always
    """Whether this connection has what it needs."""

    def usable_on(self, channel: Channel) -> bool:
        """Say whether this mechanism can be used on a connection as it is now."""
        return channel.checker_for(self.credentials) is not None and self.possible(channel)


def _has_verifiers(channel: Channel) -> bool:
    return bool(IScramChecker.providedBy(channel.checker_for(IScramCredentials)))


def _binds(channel: Channel) -> bool:
    return _has_verifiers(channel) and channel.binds


def _everybody(channel: Channel) -> bool:
    everybody: bool = channel.checker_for(IScramCredentials).everybody()
    return everybody


def _make_scram(name: str, channel: Channel) -> Scram:
    offered_plus = _binds(channel) and _everybody(channel)
    return Scram(name, channel, plus_offered=offered_plus)


def _scram(name: str, possible: Condition) -> Mechanism:
    return Mechanism(
        name,
        partial(_make_scram, name),
        IScramCredentials,
        announced=_everybody,
        possible=possible,
    )


def _shows_address(channel: Channel) -> bool:
    return bool(channel.addresses)


_ROWS = (
    Mechanism("PLAIN", lambda _channel: Plain(), IUsernamePassword, plaintext=True),
    Mechanism("LOGIN", lambda _channel: Login(), IUsernamePassword, plaintext=True),
    _scram("SCRAM-SHA-256-PLUS", _binds),
    _scram("SCRAM-SHA-1-PLUS", _binds),
    _scram("SCRAM-SHA-256", _has_verifiers),
    _scram("SCRAM-SHA-1", _has_verifiers),
    Mechanism("EXTERNAL", External, ICertificateCredentials, possible=_shows_address),
    Mechanism("OAUTHBEARER", lambda _channel: OAuthBearer(), IBearerToken, plaintext=True),
    Mechanism("XOAUTH2", lambda _channel: XOAuth2(), IBearerToken, plaintext=True),
    Mechanism(
        "CRAM-MD5",
        lambda channel: CramMD5(channel.host),
        IUsernameHashedPassword,
        announced=_never,
    ),
)

MECHANISMS: dict[str, Mechanism] = {row.name: row for row in _ROWS}
"""By name, in the order in which they are announced. PLAIN and LOGIN come first: fetchmail reads
only about 64 octets of the list."""


def offered(channel: Channel, *, secure_line: bool, announce: Collection[str]) -> list[str]:
    """Return the names of the mechanisms to announce.

    @param secure_line: whether a password may travel on this connection as it is now.
    @param announce: names of mechanisms that are announced although not every account can use
        them. Not named here, they are accepted all the same.
    """
    return [
        row.name
        for row in MECHANISMS.values()
        if row.usable_on(channel)
        and (secure_line or not row.plaintext)
        and (row.name in announce or row.announced(channel))
    ]
