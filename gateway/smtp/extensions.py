"""What EHLO lists (RFC 5321 section 4.1.1.1): exactly what works in the state the session is in.

A new extension is a row here, beside what makes it work.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gateway.smtp.session import Session


class Extension(NamedTuple):
    """One service extension."""

    keyword: str
    available: Callable[[Session], bool]
    source: str
    parameters: Callable[[Session], str] = lambda _session: ""


def _always(_session: Session) -> bool:
    return True


EXTENSIONS = (
    Extension("PIPELINING", _always, "RFC 2920"),
    Extension(
        "SIZE", _always, "RFC 1870", lambda session: str(session.factory.policy.message_octets)
    ),
    Extension("8BITMIME", _always, "RFC 6152"),
    Extension("ENHANCEDSTATUSCODES", _always, "RFC 2034"),
    Extension("SMTPUTF8", lambda session: session.factory.policy.smtputf8, "RFC 6531"),
    Extension("STARTTLS", lambda session: session.can_start_tls, "RFC 3207"),
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
        f"{extension.keyword} {extension.parameters(session)}".rstrip()
        for extension in EXTENSIONS
        if extension.available(session)
    ]
