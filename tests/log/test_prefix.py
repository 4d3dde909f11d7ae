"""What stands before a line of the log: just what Twisted would write."""

from __future__ import annotations

import io
from typing import Any

from twisted.logger import (
    FileLogObserver,
    Logger,
    LogLevel,
    LogPublisher,
    jsonFileLogObserver,
    textFileLogObserver,
)
from twisted.python.failure import Failure

from gateway.log.prefix import LINE_FORMAT, Prefixed, quicken

START = 1_700_000_000.0


def _events() -> list[dict[str, Any]]:
    """Return events as loggers make them, several in a second, with levels and names in turn."""
    entries: list[dict[str, Any]] = []
    ours = Logger("pop3gw", observer=entries.append)
    others = Logger("twisted.internet", observer=entries.append)
    for number in range(12):
        level = (LogLevel.info, LogLevel.warn)[number % 2]
        ours.emit(level, LINE_FORMAT, line=f'login pop3 user="{{x}}%s{number}"')
        others.emit(level, LINE_FORMAT, line="another's")
        others.emit(level, "{what}\nand more", what="two lines")
        ours.failure("defect", Failure(ValueError("no")))
        for event in entries[-4:]:
            event["log_time"] = START + number * 0.3
    return entries


def test_the_log_reads_as_twisted_would_write_it() -> None:
    plain, quick = io.StringIO(), io.StringIO()
    publisher = LogPublisher(textFileLogObserver(quick))
    quicken(publisher)
    for event in _events():
        textFileLogObserver(plain)(event)
        publisher(event)
    assert quick.getvalue() == plain.getvalue()


def test_a_second_is_formatted_once_for_each_level() -> None:
    formatted = []

    def format_event(event: dict[str, Any]) -> str:
        formatted.append(event)
        return f"{event['log_time']:.0f} {event['line']}\n"

    prefixed = Prefixed(format_event)
    event = {"log_format": LINE_FORMAT, "log_level": LogLevel.info, "log_namespace": "pop3gw"}
    texts = [prefixed({**event, "line": f"{n}", "log_time": START}) for n in range(3)]
    texts.append(prefixed({**event, "line": "later", "log_time": START + 1}))
    assert texts == [f"{START:.0f} {n}\n" for n in range(3)] + [f"{START + 1:.0f} later\n"]
    assert len(formatted) == 2


def test_what_tells_more_than_seconds_is_left_alone() -> None:
    fine = textFileLogObserver(io.StringIO(), "%H:%M:%S.%f")
    json = jsonFileLogObserver(io.StringIO())
    silent = FileLogObserver(io.StringIO(), lambda _event: None)
    formats = [fine.formatEvent, json.formatEvent, silent.formatEvent]
    quicken(LogPublisher(fine, json, silent, print))  # type: ignore[arg-type]
    assert [fine.formatEvent, json.formatEvent, silent.formatEvent] == formats


def test_to_quicken_twice_is_to_quicken_once() -> None:
    observer = textFileLogObserver(io.StringIO())
    publisher = LogPublisher(observer)
    quicken(publisher)
    once = observer.formatEvent
    quicken(publisher)
    assert observer.formatEvent is once
