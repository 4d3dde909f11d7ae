"""A state of the session (RFC 1939 section 3): the commands that are allowed in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from gateway.net.connection import Result
from gateway.pop3.arguments import BadArguments
from gateway.pop3.capabilities import capabilities_of
from gateway.pop3.languages import find_language, language_listing
from gateway.pop3.replies import MULTI_LINE_IND, CommandRefused, multiline, ok
from gateway.pop3.verbs import STATES, Verb

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
        if verb.extension and verb.extension not in self.connection.factory.policy.extensions:
            raise CommandRefused(self.texts.unknown_command)
        if len(line) + 2 > verb.octets:
            raise CommandRefused(self.texts.line_too_long)
        try:
            return method(self, *verb.parse(rest))
        except BadArguments:
            raise CommandRefused(self.texts.usage % verb.usage) from None

    def _has_verb(self, rows: tuple[Verb, ...], keyword: bytes) -> bool:
        extensions = self.connection.factory.policy.extensions
        return any(
            row.keyword == keyword and (not row.extension or row.extension in extensions)
            for row in rows
        )

    def _why_not(self, keyword: bytes) -> bytes:
        """Return the text for a command that this state does not have."""
        if any(self._has_verb(rows, keyword) for rows in STATES.values()):
            return self.belongs_elsewhere
        return self.texts.unknown_command

    @property
    def belongs_elsewhere(self) -> bytes:
        """The text for a command of another state."""
        raise NotImplementedError

    def leave(self) -> None:
        """Let go of what the state holds: the session goes on in another one, or has ended."""

    # Commands of both states -----------------------------------------------------------------

    def capa(self) -> bytes:
        """CAPA: what is possible, on this connection, now."""
        return self.say_lines(self.texts.capabilities_follow, capabilities_of(self.connection))

    def help(self) -> bytes:
        """HELP: what a person can type in this state."""
        rows = [verb.usage for verb in self.verbs if self._has_verb((verb,), verb.keyword)]
        return self.say_lines(self.texts.help_follows, rows)

    def lang(self, language_range: bytes | None) -> bytes:
        """LANG: list the languages, or take one (RFC 6856 section 3.2)."""
        connection = self.connection
        if language_range is None:
            return self.say_lines(self.texts.languages_follow, language_listing())
        if language_range == b"*":
            texts = find_language(connection.factory.policy.language)
        else:
            texts = find_language(language_range.decode("utf-8", "replace"))
        if texts is None:
            shown = language_range.decode("utf-8", "replace").encode("utf-8")
            raise CommandRefused(self.texts.unknown_language % shown)
        connection.texts = texts
        return ok(texts.tag.encode("ascii") + b" " + texts.language_chosen)

    # Answers of several lines ----------------------------------------------------------------

    def begin_lines(self, text: bytes) -> bytes:
        """Return the status line of an answer that goes on for several lines."""
        marked = "MULTI-LINE-IND" in self.connection.factory.policy.extensions
        return ok(text + MULTI_LINE_IND if marked else text)

    def say_lines(self, text: bytes, lines: list[bytes]) -> bytes:
        """Return a whole answer of several lines, none of which begins with a dot."""
        return multiline(self.begin_lines(text), lines)
