"""The one stream of events, and its readers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from twisted.logger import LogEvent, globalLogPublisher
from twisted.python.failure import Failure

from gateway.events import Event, EventStream, GatewayReady, InternalError, Trouble, log_defects


@pytest.fixture
def logged() -> Iterator[list[LogEvent]]:
    events: list[LogEvent] = []
    globalLogPublisher.addObserver(events.append)
    yield events
    globalLogPublisher.removeObserver(events.append)


def test_every_reader_is_told_in_order() -> None:
    told: list[tuple[str, Event]] = []
    stream = EventStream(lambda event: told.append(("first", event)))
    stream.subscribe(lambda event: told.append(("second", event)))
    event = GatewayReady()
    stream.emit(event)
    assert told == [("first", event), ("second", event)]


def test_a_reader_that_fails_harms_nobody(logged: list[LogEvent]) -> None:
    told: list[Event] = []

    def fail(event: Event) -> None:
        raise RuntimeError("a defect")

    EventStream(fail, told.append).emit(GatewayReady())
    assert told == [GatewayReady()]
    [entry] = logged
    assert entry["log_failure"].check(RuntimeError)


def test_defects_and_troubles_reach_the_log(logged: list[LogEvent]) -> None:
    stream = EventStream(log_defects)
    stream.emit(GatewayReady())
    stream.emit(Trouble("the disk", "is full"))
    stream.emit(InternalError("login", Failure(RuntimeError("a defect"))))
    assert [entry["log_level"].name for entry in logged] == ["error", "critical"]
    assert logged[0]["what"] == "is full"
    assert logged[1]["log_failure"].check(RuntimeError)
