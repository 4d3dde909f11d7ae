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
    extension: str = ""
    """The capability that switches it on (see `POP3Policy.extensions`); "" for what is always
    there."""


_SLEEPING = "draft-billpg-pop3-slee-wake"
_DELI = "draft-billpg-pop3-deli"


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
    Verb(b"UTF8", "utf8", arguments.nothing, b"UTF8", "RFC 6856 section 2.1"),
    Verb(b"LANG", "lang", arguments.language, b"LANG [language]", "RFC 6856 section 3"),
    Verb(b"HELP", "help", arguments.nothing, b"HELP", "ours, for people"),
    Verb(b"QUIT", "quit", arguments.nothing, b"QUIT", "RFC 1939 section 4"),
)

TRANSACTION = (
    Verb(b"CAPA", "capa", arguments.nothing, b"CAPA", "RFC 2449 section 5"),
    Verb(b"STAT", "stat", arguments.nothing, b"STAT", "RFC 1939 section 5"),
    Verb(
        b"LIST",
        "list_sizes",
        arguments.optional_message,
        b"LIST [message]",
        "RFC 1939 section 5",
    ),
    Verb(
        b"UIDL",
        "list_uidls",
        arguments.optional_message,
        b"UIDL [message]",
        "RFC 1939 section 7",
    ),
    Verb(b"RETR", "retr", arguments.message, b"RETR message", "RFC 1939 section 5"),
    Verb(b"TOP", "top", arguments.message_and_lines, b"TOP message lines", "RFC 1939 section 7"),
    Verb(b"DELE", "dele", arguments.message, b"DELE message", "RFC 1939 section 5"),
    Verb(b"RSET", "rset", arguments.nothing, b"RSET", "RFC 1939 section 5"),
    Verb(b"LAST", "last", arguments.nothing, b"LAST", "RFC 1460 section 5", extension="LAST"),
    Verb(b"DELI", "deli", arguments.message, b"DELI message", _DELI, extension="DELI"),
    Verb(b"SLEE", "slee", arguments.nothing, b"SLEE", _SLEEPING, extension="SLEEPING"),
    Verb(b"NOOP", "noop", arguments.nothing, b"NOOP", "RFC 1939 section 5"),
    Verb(b"LANG", "lang", arguments.language, b"LANG [language]", "RFC 6856 section 3"),
    Verb(b"HELP", "help", arguments.nothing, b"HELP", "ours, for people"),
    Verb(b"QUIT", "quit", arguments.nothing, b"QUIT", "RFC 1939 section 6"),
)

SLEEP = (
    Verb(b"WAKE", "wake", arguments.nothing, b"WAKE", _SLEEPING, extension="SLEEPING"),
    Verb(b"NOOP", "noop", arguments.nothing, b"NOOP", "RFC 1939 section 5"),
    Verb(b"HELP", "help", arguments.nothing, b"HELP", "ours, for people"),
    Verb(b"QUIT", "quit", arguments.nothing, b"QUIT", "RFC 1939 section 4"),
)

STATES = {"AUTHORIZATION": AUTHORIZATION, "TRANSACTION": TRANSACTION, "SLEEP": SLEEP}
"""The commands of each state."""

EXTENSIONS = ("LAST", "SLEEPING", "DELI", "UID-PARAM", "MULTI-LINE-IND")
"""What can be switched on beside the standards, by the names that CAPA announces."""
