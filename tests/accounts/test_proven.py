"""Passwords that were right a short while ago, for one process and for several."""

from __future__ import annotations

import os

from twisted.internet.task import Clock

from gateway.accounts.proven import SharedProvenPasswords
from gateway.shared.times import SharedTimes


def test_workers_remember_together() -> None:
    clock = Clock()
    times = SharedTimes()
    proven = SharedProvenPasswords(clock.seconds, 60, times)
    pid = os.fork()
    if not pid:
        proven.add("hash", "password")
        os._exit(0)
    os.waitpid(pid, 0)
    assert proven.holds("hash", "password")
    assert not proven.holds("hash", "other")
    assert not proven.holds("other", "password")
    clock.advance(61)
    assert not proven.holds("hash", "password")


def test_workers_that_are_to_remember_nothing() -> None:
    proven = SharedProvenPasswords(Clock().seconds, 0, SharedTimes())
    proven.add("hash", "password")
    assert not proven.holds("hash", "password")
