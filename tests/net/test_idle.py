"""The timer that costs nothing while things happen."""

from __future__ import annotations

from twisted.internet.task import Clock

from gateway.net.idle import IdleTimer


def timer() -> tuple[Clock, list[float], IdleTimer]:
    clock = Clock()
    expired: list[float] = []
    return clock, expired, IdleTimer(clock, lambda: expired.append(clock.seconds()))  # type: ignore[arg-type]


def test_expires_once_after_the_last_touch() -> None:
    clock, expired, idle = timer()
    idle.start(10)
    for _ in range(5):
        clock.advance(6)
        idle.touch()
    assert expired == []
    clock.pump([1] * 100)
    assert expired == [40]


def test_a_touch_moves_no_call() -> None:
    clock, _, idle = timer()
    idle.start(10)
    [call] = clock.getDelayedCalls()
    idle.touch()
    assert clock.getDelayedCalls() == [call]
    assert call.getTime() == 10


def test_stop_and_start_anew() -> None:
    clock, expired, idle = timer()
    idle.start(10)
    idle.stop()
    clock.advance(100)
    assert expired == []
    idle.start(5)
    idle.start(7)
    clock.advance(6)
    assert expired == []
    clock.advance(1)
    assert expired == [107]
    assert clock.getDelayedCalls() == []
