"""The commands of POP3 as data: which there are, where they are allowed, what they take.

A new command is a row here and a method of that name in the state that serves it.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.pop3 import arguments
from gateway.pop3.arguments import Parser

COMMAND_OCTETS = 255
"""The longest command line with its CRLF (RFC 2449 section 4)."""
AUTH_OCTETS = 12_288
"""The longest AUTH command or response: bearer tokens are long (RFC 5034 section 4 asks for the
limit of the mechanism)."""


class Verb(NamedTuple):
    """One command."""

    keyword: bytes
    method: str
    """The name of the state's method that handles it."""
    parse: Parser
    usage: bytes
    """As a person would type it."""
    source: str
    octets: int = COMMAND_OCTETS
    """The longest line."""


AUTHORIZATION = (
    Verb(b"CAPA", "capa", arguments.nothing, b"CAPA", "RFC 2449 section 5"),
    Verb(b"USER", "user", arguments.name, b"USER name", "RFC 1939 section 7"),
    Verb(b"PASS", "password", arguments.as_typed, b"PASS password", "RFC 1939 section 7"),
    Verb(b"APOP", "apop", arguments.name_and_digest, b"APOP name digest", "RFC 1939 section 7"),
    Verb(
        b"AUTH",
        "auth",
        arguments.mechanism,
        b"AUTH [mechanism [initial-response]]",
        "RFC 5034 section 4",
        AUTH_OCTETS,
    ),
    Verb(b"STLS", "stls", arguments.nothing, b"STLS", "RFC 2595 section 4"),
    Verb(b"HELP", "help", arguments.nothing, b"HELP", "ours, for people"),
    Verb(b"QUIT", "quit", arguments.nothing, b"QUIT", "RFC 1939 section 4"),
)

TRANSACTION = (
    Verb(b"CAPA", "capa", arguments.nothing, b"CAPA", "RFC 2449 section 5"),
    Verb(b"STAT", "stat", arguments.nothing, b"STAT", "RFC 1939 section 5"),
    Verb(
        b"LIST",
        "list_sizes",
        arguments.optional_number,
        b"LIST [message]",
        "RFC 1939 section 5",
    ),
    Verb(
        b"UIDL",
        "list_uidls",
        arguments.optional_number,
        b"UIDL [message]",
        "RFC 1939 section 7",
    ),
    Verb(b"RETR", "retr", arguments.number, b"RETR message", "RFC 1939 section 5"),
    Verb(b"TOP", "top", arguments.number_and_lines, b"TOP message lines", "RFC 1939 section 7"),
    Verb(b"DELE", "dele", arguments.number, b"DELE message", "RFC 1939 section 5"),
    Verb(b"RSET", "rset", arguments.nothing, b"RSET", "RFC 1939 section 5"),
    Verb(b"NOOP", "noop", arguments.nothing, b"NOOP", "RFC 1939 section 5"),
    Verb(b"HELP", "help", arguments.nothing, b"HELP", "ours, for people"),
    Verb(b"QUIT", "quit", arguments.nothing, b"QUIT", "RFC 1939 section 6"),
)

KEYWORDS = frozenset(verb.keyword for verb in AUTHORIZATION + TRANSACTION)
