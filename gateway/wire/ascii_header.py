"""An internationalized header (RFC 6532) in ASCII, by the rules of RFC 6858 section 3.

Fields that are ASCII stay as they are, octet by octet. Every step is linear in the octets.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Callable, Iterator
from urllib.parse import quote

INVALID_ADDRESS = "invalid@internationalized-address.invalid"
"""Stands for an address that has no ASCII form (RFC 6858 section 3.1)."""

_ADDRESSES = frozenset(
    {"from", "sender", "reply-to", "to", "cc", "bcc"}
    | {f"resent-{name}" for name in ("from", "sender", "reply-to", "to", "cc", "bcc")}
)
_PARAMETERS = frozenset({"content-type", "content-disposition"})
_TEXTS = frozenset({"subject", "comments", "keywords", "content-description", "organization"})

_FIELD = re.compile(rb"[^\n]*\n(?:[ \t][^\n]*\n)*|[^\n]+")
_FOLD = re.compile(r"\r\n(?=[ \t])")
_ADDRESS_TOKEN = re.compile(
    r'"(?:[^"\\]|\\.)*"?|\((?:[^()\\]|\\.)*\)?|<[^>]*>?|[,;:]|[^",;:<(]+|.', re.DOTALL
)
_PARAMETER_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|;|[^";]+', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_WORD_OCTETS = 45
"""Octets in an encoded-word: it then has 72 characters of the 75 allowed (RFC 2047 section 2)."""


def fields_of(header: bytes) -> list[bytes]:
    """Split a header into its fields, each with the lines that continue it and its line ends."""
    return _FIELD.findall(header)


def split_field(field: bytes) -> tuple[str, str]:
    """Return the name of a field in lower case ("" if it has none) and its unfolded value."""
    name, colon, value = field.decode("utf-8", "replace").partition(":")
    if not colon:
        return "", ""
    return name.strip().lower(), _FOLD.sub("", value).strip()


def ascii_field(field: bytes) -> bytes:
    """Return a field in ASCII; b"" where it has no such form and is left out.

    @param field: a whole field with its CRLF.
    """
    if field.isascii():
        return field
    lower_name, value = split_field(field)
    name = field.partition(b":")[0].strip()
    if not name.isascii():
        return b""
    convert = _converter(lower_name)
    if convert is None:
        return b""
    return b"%b: %b\r\n" % (name, convert(value).encode("ascii"))


def _converter(name: str) -> Callable[[str], str] | None:
    if name in _ADDRESSES:
        return _ascii_addresses
    if name in _PARAMETERS:
        return _ascii_parameters
    if name in _TEXTS or name.startswith("x-"):
        return encoded_words
    return None


def encoded_words(text: str) -> str:
    """Return a text as encoded-words (RFC 2047), a line for each."""
    return "\r\n ".join(
        f"=?utf-8?b?{b2a_base64(part, newline=False).decode('ascii')}?="
        for part in _parts(text, _WORD_OCTETS)
    )


def _parts(text: str, octets: int) -> Iterator[bytes]:
    """Cut a text in UTF-8 into parts of so many octets at most, never within a character."""
    encoded = text.encode("utf-8", "replace")
    at = 0
    while at < len(encoded):
        end = min(at + octets, len(encoded))
        while end < len(encoded) and encoded[end] & 0xC0 == 0x80:
            end -= 1
        yield encoded[at:end]
        at = end


def _unquoted(text: str) -> str:
    stripped = text.strip()
    if len(stripped) > 1 and stripped[0] == stripped[-1] == '"':
        return _QUOTED_PAIR.sub(r"\1", stripped[1:-1])
    return stripped


def _ascii_addresses(value: str) -> str:
    """Convert each mailbox and the name of each group on its own."""
    parts: list[str] = []
    mailbox: list[str] = []
    for piece in [*_ADDRESS_TOKEN.findall(value), ""]:
        if piece not in (",", ";", ":", ""):
            mailbox.append(piece)
            continue
        text = "".join(mailbox).strip()
        parts.append(_ascii_phrase(text) if piece == ":" else _ascii_mailbox(mailbox))
        parts.append(f"{piece}\r\n " if piece else "")
        mailbox.clear()
    return "".join(parts).rstrip()


def _ascii_mailbox(tokens: list[str]) -> str:
    text = "".join(tokens).strip()
    if text.isascii():
        return text
    angle = next((piece for piece in tokens if piece.startswith("<")), None)
    if angle is None:
        # A bare address is all that is there to show.
        return f"{_ascii_phrase(text)} <{INVALID_ADDRESS}>"
    phrase = "".join(piece for piece in tokens if piece[0] not in "<(").strip()
    address = angle if angle.isascii() else f"<{INVALID_ADDRESS}>"
    shown = phrase or angle.strip("<>")
    return f"{_ascii_phrase(shown)} {address}"


def _ascii_phrase(text: str) -> str:
    return text if text.isascii() else encoded_words(_unquoted(text))


def _ascii_parameters(value: str) -> str:
    """Convert each parameter that is not ASCII to the form of RFC 2231."""
    parameters: list[str] = [""]
    for piece in _PARAMETER_TOKEN.findall(value):
        if piece == ";":
            parameters.append("")
        else:
            parameters[-1] += piece
    converted = [_ascii_parameter(parameter.strip()) for parameter in parameters]
    return ";\r\n ".join(part for part in converted if part)


def _ascii_parameter(parameter: str) -> str:
    if parameter.isascii():
        return parameter
    name, equals, value = parameter.partition("=")
    name = name.strip()
    if not equals or not name.isascii():
        return ""
    parts = [quote(part, safe="") for part in _parts(_unquoted(value), 20)]
    if len(parts) == 1:
        return f"{name}*=utf-8''{parts[0]}"
    parts[0] = f"utf-8''{parts[0]}"
    return ";\r\n ".join(f"{name}*{number}*={part}" for number, part in enumerate(parts))
