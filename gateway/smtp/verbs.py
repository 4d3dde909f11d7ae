"""The commands of SMTP and LMTP as data: which there are, when they are allowed, what they take.

A new command is a row here and a method of that name in `gateway.smtp.session.Session`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

# How far a session has come. Plain bits: an enum.Flag costs a microsecond at each command.
START = 1
"""No HELO, EHLO or LHLO yet."""
READY = 2
"""Greeted, no message under way."""
MAIL = 4
"""MAIL was accepted, no recipient yet."""
RCPT = 8
"""At least one recipient was accepted."""
CHUNKS = 16
"""A part of the message has come, by BDAT."""
ANY = START | READY | MAIL | RCPT | CHUNKS

Argument = Literal["none", "optional", "required"]
"""Whether a command takes an argument; the method of one that never does is given none."""


class Verb(NamedTuple):
    """One command."""

    keyword: str
    method: str
    """The name of the session's method that handles it."""
    states: int
    """Where it is allowed: one or more of START, READY, MAIL, RCPT, CHUNKS."""
    argument: Argument
    usage: str
    """As a person would type it."""
    source: str
    octets: int = 2_048
    """The longest line with its end. RFC 5321 section 4.5.3.1.4 asks for 512, and extensions for
    more with MAIL and RCPT (500 for ORCPT, RFC 3461 section 5); to take more harms nobody."""


HELO = Verb("HELO", "helo", ANY, "required", "HELO name", "RFC 5321 4.1.1.1")
EHLO = Verb("EHLO", "ehlo", ANY, "required", "EHLO name", "RFC 5321 4.1.1.1")
LHLO = Verb("LHLO", "ehlo", ANY, "required", "LHLO name", "RFC 2033 4.1")

_COMMON = (
    Verb(
        "MAIL",
        "mail",
        READY,
        "required",
        "MAIL FROM:<address> [SIZE=octets] [BODY=8BITMIME]",
        "RFC 5321 4.1.1.2",
    ),
    Verb(
        "RCPT",
        "rcpt",
        MAIL | RCPT,
        "required",
        "RCPT TO:<address>",
        "RFC 5321 4.1.1.3",
    ),
    Verb("DATA", "data", RCPT, "none", "DATA", "RFC 5321 4.1.1.4"),
    # Everywhere, since the octets that come with it are to be skipped where it is refused.
    Verb("BDAT", "bdat", ANY, "optional", "BDAT octets [LAST]", "RFC 3030 2"),
    Verb("RSET", "rset", ANY, "none", "RSET", "RFC 5321 4.1.1.5"),
    Verb("NOOP", "noop", ANY, "optional", "NOOP", "RFC 5321 4.1.1.9"),
    Verb("VRFY", "vrfy", ANY, "required", "VRFY address", "RFC 5321 4.1.1.6"),
    Verb("HELP", "help", ANY, "optional", "HELP", "RFC 5321 4.1.1.8"),
    Verb("QUIT", "quit", ANY, "none", "QUIT", "RFC 5321 4.1.1.10"),
    Verb("STARTTLS", "starttls", START | READY, "none", "STARTTLS", "RFC 3207 4"),
    Verb(
        "AUTH",
        "auth",
        READY,
        "required",
        "AUTH mechanism [initial-response]",
        "RFC 4954 4",
        12_288,
    ),
)

COMMANDS_OF_SMTP = (HELO, EHLO, *_COMMON)
COMMANDS_OF_LMTP = (LHLO, *_COMMON)

OF_HTTP = frozenset(
    ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PATCH", "PRI")
)
"""A browser that was made to speak to us: nothing that it sends may count as a command."""
