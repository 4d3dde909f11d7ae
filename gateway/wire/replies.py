"""Replies of SMTP and LMTP (RFC 5321 section 4.2), with enhanced status codes (RFC 3463)."""

from __future__ import annotations

from typing import NamedTuple


class SMTPReply(NamedTuple):
    """One reply. `bytes(reply)` is what goes on the wire."""

    code: int
    enhanced: str
    """The enhanced status code (RFC 3463), "" where there is none (greeting, EHLO, 354)."""
    text: str
    """One line or several, separated by LF; printable, without CR."""

    def __bytes__(self) -> bytes:
        prefix = f"{self.enhanced} " if self.enhanced else ""
        lines = self.text.split("\n")
        last = len(lines) - 1
        return "".join(
            f"{self.code}{' ' if at == last else '-'}{prefix}{line}\r\n"
            for at, line in enumerate(lines)
        ).encode("utf-8")

    def __str__(self) -> str:
        return " ".join(part for part in (str(self.code), self.enhanced, self.text) if part)

    @property
    def permanent(self) -> bool:
        """True for 5yz: the same again will fail again."""
        return self.code >= 500

    def with_text(self, text: str) -> SMTPReply:
        """Return the same codes with another text."""
        return self._replace(text=text)


class SyntaxProblem(Exception):
    """A command that cannot be understood. `reply` tells the client why."""

    def __init__(self, reply: SMTPReply) -> None:
        super().__init__(str(reply))
        self.reply = reply
