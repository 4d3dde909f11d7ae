"""What EHLO lists (RFC 5321 section 4.1.1.1): exactly what works in the state the session is in.

A new extension is a row here, beside what makes it work.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gateway.smtp.session import Session


class Extension(NamedTuple):
    """One service extension."""

    keyword: str
    available: Callable[[Session], bool]
    source: str
    details: Callable[[Session], str] = lambda _session: ""
    """What follows the keyword."""
    parameter: str = ""
    """The parameter of MAIL that it brings."""


def _always(_session: Session) -> bool:
    return True


def _limits(session: Session) -> str:
    policy = session.factory.policy
    most = f"MAILMAX={policy.messages} " if policy.messages else ""
    return f"{most}RCPTMAX={policy.recipients}"


EXTENSIONS = (
    Extension("PIPELINING", _always, "RFC 2920"),
    Extension(
        "SIZE",
        _always,
        "RFC 1870",
        lambda session: str(session.factory.policy.message_octets),
        "SIZE",
    ),
    Extension("8BITMIME", _always, "RFC 6152", parameter="BODY"),
    Extension("ENHANCEDSTATUSCODES", _always, "RFC 2034"),
    Extension("CHUNKING", _always, "RFC 3030"),
    Extension(
        "SMTPUTF8",
        lambda session: session.factory.policy.smtputf8,
        "RFC 6531",
        parameter="SMTPUTF8",
    ),
    Extension("LIMITS", _always, "RFC 9422", _limits),
    Extension("HELP", _always, "RFC 5321"),
    Extension("STARTTLS", lambda session: session.can_start_tls, "RFC 3207"),
    Extension(
        "REQUIRETLS",
        lambda session: session.connection.secure,
        "RFC 8689",
        parameter="REQUIRETLS",
    ),
    Extension(
        "AUTH",
        lambda session: bool(session.mechanisms),
        "RFC 4954",
        lambda session: " ".join(session.mechanisms),
    ),
)


def lines_of(session: Session) -> list[str]:
    """Return the lines that follow the first one of the reply to EHLO."""
    return [
        f"{extension.keyword} {extension.details(session)}".rstrip()
        for extension in EXTENSIONS
        if extension.available(session)
    ]


def mail_parameters(session: Session) -> Collection[str]:
    """Return the parameters of MAIL that are taken now.

    AUTH= is among them whatever the client's state: who may use it is not announced by itself
    (RFC 4954 section 5), and nobody is trusted for it.
    """
    offered = [one.parameter for one in _WITH_PARAMETER if one.available(session)]
    offered.append("AUTH")
    return offered


_WITH_PARAMETER = tuple(extension for extension in EXTENSIONS if extension.parameter)
