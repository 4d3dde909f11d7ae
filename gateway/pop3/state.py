"""A state of the session (RFC 1939 section 3): the commands that are allowed in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from gateway.net.connection import Result
from gateway.pop3.arguments import BadArguments
from gateway.pop3.capabilities import capabilities_of
from gateway.pop3.replies import CommandRefused, multiline
from gateway.pop3.verbs import AUTHORIZATION, KEYWORDS, TRANSACTION, Verb

if TYPE_CHECKING:
    from gateway.pop3.protocol import POP3Connection
    from gateway.pop3.texts import Texts


class State:
    """Finds the command of a line, and calls the method that is named in its row.

    A subclass names its rows in `verbs`, and has one method for each.
    """

    verbs: ClassVar[tuple[Verb, ...]] = ()
    _rows: ClassVar[dict[bytes, tuple[Verb, Any]]] = {}

    def __init_subclass__(cls) -> None:
        cls._rows = {verb.keyword: (verb, getattr(cls, verb.method)) for verb in cls.verbs}

    def __init__(self, connection: POP3Connection) -> None:
        self.connection = connection

    @property
    def texts(self) -> Texts:
        """The texts in the language of the session."""
        return self.connection.texts

    def handle(self, line: bytes) -> Result:
        """Carry out one command line.

        @raise CommandRefused: it is unknown, not allowed here, or its handler refuses it.
        """
        keyword, _, rest = line.partition(b" ")
        row = self._rows.get(keyword)
        if row is None:
            keyword, _, rest = line.lstrip().partition(b" ")
            row = self._rows.get(keyword.strip().upper())
            if row is None:
                raise CommandRefused(self._why_not(keyword.strip().upper()))
        verb, method = row
        if len(line) + 2 > verb.octets:
            raise CommandRefused(self.texts.line_too_long)
        try:
            arguments = verb.parse(rest)
        except BadArguments:
            raise CommandRefused(self.texts.usage % verb.usage) from None
        return method(self, *arguments)

    def _why_not(self, keyword: bytes) -> bytes:
        if keyword not in KEYWORDS:
            return self.texts.unknown_command
        if any(verb.keyword == keyword for verb in TRANSACTION):
            return self.texts.not_before_login
        assert any(verb.keyword == keyword for verb in AUTHORIZATION)
        return self.texts.not_after_login

    def leave(self) -> None:
        """Let go of what the state holds: the session goes on in another one, or has ended."""

    # Commands of both states -----------------------------------------------------------------

    def capa(self) -> bytes:
        """CAPA: what is possible, on this connection, now."""
        return multiline(self.texts.capabilities_follow, capabilities_of(self.connection))

    def help(self) -> bytes:
        """HELP: what a person can type in this state."""
        return multiline(self.texts.help_follows, [verb.usage for verb in self.verbs])
