"""Status lines of POP3 (RFC 1939 section 3) and response codes (RFC 2449, RFC 3206)."""

from __future__ import annotations

AUTH = b"AUTH"
IN_USE = b"IN-USE"
SYS_TEMP = b"SYS/TEMP"
SYS_PERM = b"SYS/PERM"
LOGIN_DELAY = b"LOGIN-DELAY"
UTF8 = b"UTF8"

RESPONSE_CODES = {
    IN_USE: "RFC 2449 section 8.1.2",
    LOGIN_DELAY: "RFC 2449 section 8.1.1",
    SYS_TEMP: "RFC 3206 section 4",
    SYS_PERM: "RFC 3206 section 4",
    AUTH: "RFC 3206 section 5",
    UTF8: "RFC 6856 section 5",
}
"""Every response code, and where it comes from."""

TERMINATOR = b".\r\n"
MULTI_LINE_IND = b" _"
"""What a status line that lines follow ends with, where that is switched on."""


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


def multiline(status: bytes, lines: list[bytes]) -> bytes:
    """Return a status line with `lines`, none of which begins with a dot, after it."""
    return status + b"\r\n".join([*lines, TERMINATOR])
