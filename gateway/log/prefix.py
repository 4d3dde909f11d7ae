"""What comes before each line of the log, made once a second instead of once a line.

For Twisted to format a line costs more than to answer a command. All of it but the line itself is
the same for every line of one second: the time, to the second, and the level.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.logger import FileLogObserver, LogEvent, LogPublisher, globalLogPublisher

LINE_FORMAT = "{line}"
"""The format of an event that consists of a line, which has no line end in it."""

Format = Callable[[LogEvent], str | None]


def quicken(publisher: LogPublisher = globalLogPublisher) -> None:
    """Have the files that Twisted's log goes to get our lines in less time, and just the same.

    An observer that is not Twisted's, or whose times are finer than a second, stays as it is.
    """
    for observer in publisher._observers:
        if isinstance(observer, FileLogObserver):
            made = observer.formatEvent
            if not isinstance(made, Prefixed) and _tells_seconds(made):
                observer.formatEvent = Prefixed(made)


def _tells_seconds(format_event: Format) -> bool:
    """Say whether a format is a beginning, the same within a second, a line and its end."""
    texts = {
        format_event({"log_format": LINE_FORMAT, "line": "line", "log_time": 1_000_000_000 + part})
        for part in (0.0, 0.25, 0.999)
    }
    text = texts.pop()
    return not texts and text is not None and text.endswith("line\n")


class Prefixed:
    """Formats a line by putting it behind the prefix of the last line of that second and level."""

    def __init__(self, format_event: Format) -> None:
        self._format_event = format_event
        self._second = 0
        self._prefixes: dict[Any, str] = {}

    def __call__(self, event: LogEvent) -> str | None:
        """See `FileLogObserver.formatEvent`."""
        if event.get("log_format") != LINE_FORMAT:
            return self._format_event(event)
        line = event["line"]
        second = int(event["log_time"])
        if second != self._second:
            self._prefixes.clear()
            self._second = second
        kind = (event["log_level"], event["log_namespace"])
        prefix = self._prefixes.get(kind)
        if prefix is None:
            text = self._format_event(event)
            if text is None:
                return None
            prefix = self._prefixes[kind] = text[: -len(line) - 1]
        return f"{prefix}{line}\n"
