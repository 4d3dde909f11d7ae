"""All tables that the workers of one gateway share."""

from __future__ import annotations

import time
from dataclasses import dataclass

from gateway.shared.attempts import SharedAttempts
from gateway.shared.counts import SharedCounts
from gateway.shared.tally import SharedTally
from gateway.shared.times import SharedTimes


@dataclass(frozen=True, slots=True)
class SharedTables:
    """See each of them. Make them with `make_tables` before the first worker is forked."""

    connections: SharedCounts
    attempts: SharedAttempts
    logins: SharedTimes
    """The last login of each user."""
    proven: SharedTimes
    """Until when a password that was right needs no second hash."""
    deliveries: SharedTally

    def begin(self, number: int) -> None:
        """This process is worker `number` from now on."""
        self.connections.begin(number)
        self.attempts.begin(number)
        self.deliveries.begin(number)

    def forget(self, number: int) -> None:
        """Worker `number` is no more, and neither are its connections and attempts."""
        self.connections.forget(number)
        self.attempts.forget(number)


def make_tables(workers: int) -> SharedTables:
    """Return tables for so many workers, numbered from 0."""
    return SharedTables(
        SharedCounts(workers),
        SharedAttempts(workers, time.time),
        SharedTimes(),
        SharedTimes(),
        SharedTally(workers),
    )
