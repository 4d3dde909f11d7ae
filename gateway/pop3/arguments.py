"""What may stand after a command word. Each parser takes the rest of the line, without the first
blank, and returns the handler's arguments."""

from __future__ import annotations

from collections.abc import Callable


class BadArguments(Exception):
    """The rest of the line is not of the form that the command takes."""


Parser = Callable[[bytes], tuple]


def nothing(rest: bytes) -> tuple[()]:
    """Take no argument."""
    if rest and rest.strip():
        raise BadArguments
    return ()


def as_typed(rest: bytes) -> tuple[bytes]:
    """Take everything as it is: a password may hold blanks anywhere (RFC 1939 section 7)."""
    if not rest:
        raise BadArguments
    return (rest,)


def name(rest: bytes) -> tuple[bytes]:
    """Take a name, which may hold blanks inside."""
    stripped = rest.strip()
    if not stripped:
        raise BadArguments
    return (stripped,)


def name_and_digest(rest: bytes) -> tuple[bytes, bytes]:
    """Take a name and what follows its last blank (APOP)."""
    user, _, digest = rest.strip().rpartition(b" ")
    if not user or not digest:
        raise BadArguments
    return user.rstrip(), digest


def mechanism(rest: bytes) -> tuple[bytes | None, bytes | None]:
    """Take nothing, or a SASL mechanism with or without an initial response (RFC 5034)."""
    words = rest.split()
    if len(words) > 2:
        raise BadArguments
    return (
        words[0].upper() if words else None,
        words[1] if len(words) == 2 else None,
    )


def language(rest: bytes) -> tuple[bytes | None]:
    """Take nothing, or a language range (RFC 4647 section 2.1)."""
    words = rest.split()
    if len(words) > 1:
        raise BadArguments
    return (words[0] if words else None,)


Message = int | str
"""How a client names a message: by its number or, where that is switched on, its unique-id."""


def message(rest: bytes) -> tuple[Message]:
    """Take the name of a message."""
    return (_message(rest.strip()),)


def optional_message(rest: bytes) -> tuple[Message | None]:
    """Take nothing or the name of a message."""
    stripped = rest.strip()
    return (_message(stripped) if stripped else None,)


def message_and_lines(rest: bytes) -> tuple[Message, int]:
    """Take the name of a message and a non-negative number of lines (TOP)."""
    words = rest.split()
    if len(words) != 2:
        raise BadArguments
    return _message(words[0]), _digits(words[1])


UID_PREFIX = b"UID:"
"""What a unique-id in the place of a message-number begins with (UID-PARAM)."""


def _message(word: bytes) -> Message:
    if word.isdigit():
        return int(word)
    if word[:4].upper() != UID_PREFIX or len(word) == 4:
        raise BadArguments
    return word[4:].decode("ascii", "replace")


def _digits(word: bytes) -> int:
    if not word.isdigit():
        raise BadArguments
    return int(word)
