"""Recurring work: after success, after failure, and not after the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock

from gateway.config_errors import ConfigError
from gateway.events import Event, EventStream, InternalError, Trouble
from gateway.net.upkeep import FIRST_RETRY, INTERVAL, LAST_RETRY, Upkeep


class Worked:
    """An upkeep whose work raises what `raises` says, and counts its calls."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.events: list[Event] = []
        self.calls = 0
        self.raises: Exception | None = None
        self.upkeep = Upkeep(
            "the pair", self.work, run, self.clock, EventStream(self.events.append), first_delay=0
        )
        self.upkeep.startService()

    def work(self) -> None:
        self.calls += 1
        if self.raises is not None:
            raise self.raises


def run(work: Callable[[], object]) -> Deferred[Any]:
    return maybeDeferred(work)


def test_success_is_followed_by_a_look_in_half_a_day() -> None:
    worked = Worked()
    worked.clock.advance(0)
    assert worked.calls == 1
    worked.clock.advance(INTERVAL - 1)
    assert worked.calls == 1
    worked.clock.advance(1)
    assert worked.calls == 2
    assert worked.events == []


def test_failures_are_told_and_tried_again_later_and_later() -> None:
    worked = Worked()
    worked.raises = ConfigError("refused")
    worked.clock.advance(0)
    delays = [FIRST_RETRY * 2**n for n in range(8)] + [LAST_RETRY] * 12
    for calls, delay in enumerate(delays, 1):
        delay = min(delay, LAST_RETRY)
        assert worked.calls == calls
        told = f"refused; tried again in {delay / 60:.0f} minutes"
        assert worked.events[-1] == Trouble("the pair", told)
        worked.clock.advance(delay - 1)
        assert worked.calls == calls
        worked.clock.advance(1)
    worked.raises = None
    worked.clock.advance(LAST_RETRY)
    worked.raises = OSError("disk full")
    worked.clock.advance(INTERVAL)
    assert worked.events[-1] == Trouble("the pair", "disk full; tried again in 5 minutes")


def test_a_defect_is_told_as_one() -> None:
    worked = Worked()
    worked.raises = RuntimeError("defect")
    worked.clock.advance(0)
    assert isinstance(worked.events[-1], InternalError)
    assert worked.clock.getDelayedCalls()


def test_nothing_follows_the_end() -> None:
    worked = Worked()
    worked.clock.advance(0)
    worked.upkeep.stopService()
    assert worked.clock.getDelayedCalls() == []


def test_work_that_ends_after_the_end_is_not_followed() -> None:
    clock, pending = Clock(), Deferred[Any]()
    upkeep = Upkeep("x", lambda: None, lambda work: pending, clock, EventStream(), first_delay=0)
    upkeep.startService()
    clock.advance(0)
    upkeep.stopService()
    pending.callback(None)
    assert clock.getDelayedCalls() == []
