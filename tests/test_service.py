"""Winding down: sessions get their time, and no more."""

from __future__ import annotations

import gc
import resource

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from gateway.service import WIND_DOWN_SECONDS, raise_descriptor_limit, settle_memory, wind_down


class Factory:
    """The two ways in which a factory ends its sessions."""

    def __init__(self, sessions: int) -> None:
        self.connections = set(range(sessions))
        self.gone: Deferred[None] = Deferred()
        self.aborted = False

    def wind_down(self) -> Deferred[None]:
        return self.gone if self.connections else succeed(None)

    def abort_all(self) -> None:
        self.aborted = True

    def finish(self) -> None:
        self.connections.clear()
        self.gone.callback(None)


def wind(*factories: Factory) -> tuple[Deferred[None], Clock]:
    clock = Clock()
    return Deferred.fromCoroutine(wind_down(factories, clock)), clock  # type: ignore[arg-type]


def test_without_sessions_it_is_over_at_once() -> None:
    ended, clock = wind(Factory(0), Factory(0))
    assert ended.called
    assert clock.getDelayedCalls() == []


def test_sessions_may_finish() -> None:
    busy = Factory(2)
    ended, clock = wind(Factory(0), busy)
    clock.advance(WIND_DOWN_SECONDS - 1)
    assert not ended.called
    busy.finish()
    assert ended.called
    assert not busy.aborted
    assert clock.getDelayedCalls() == []


def test_sessions_that_take_too_long_are_cut() -> None:
    stuck, other = Factory(1), Factory(1)
    ended, clock = wind(stuck, other)
    other.finish()
    clock.advance(WIND_DOWN_SECONDS)
    assert stuck.aborted
    assert ended.called
    stuck.gone.callback(None)


def test_the_limit_of_descriptors_is_raised() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
        raise_descriptor_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_what_stays_is_not_looked_through_again() -> None:
    kept = [object() for _ in range(10)]
    try:
        settle_memory()
        assert gc.get_freeze_count() > 0
        assert not any(one is kept for one in gc.get_objects())
    finally:
        gc.unfreeze()
