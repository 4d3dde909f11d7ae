"""Status lines of POP3 (RFC 1939 section 3) and response codes (RFC 2449, RFC 3206)."""

from __future__ import annotations

AUTH = b"AUTH"
IN_USE = b"IN-USE"
SYS_TEMP = b"SYS/TEMP"
SYS_PERM = b"SYS/PERM"

TERMINATOR = b".\r\n"


class CommandRefused(Exception):
    """Raised by a handler: the command fails with this text and response code."""

    def __init__(self, text: bytes, code: bytes = b"") -> None:
        super().__init__(text)
        self.text = text
        self.code = code

    @property
    def reply(self) -> bytes:
        """The status line."""
        return err(self.text, self.code)


def ok(text: bytes) -> bytes:
    """Return a positive status line."""
    return b"+OK " + text + b"\r\n"


def err(text: bytes, code: bytes = b"") -> bytes:
    """Return a negative status line, with a response code (RFC 2449 section 8) if given."""
    if code:
        return b"-ERR [" + code + b"] " + text + b"\r\n"
    return b"-ERR " + text + b"\r\n"


def multiline(text: bytes, lines: list[bytes]) -> bytes:
    """Return a positive status line with `lines`, none of which begins with a dot, after it."""
    return b"\r\n".join([b"+OK " + text, *lines, TERMINATOR])
