"""The tables that workers share: what one writes the others see, each in a process of its own."""

from __future__ import annotations

import os
from collections.abc import Callable

from gateway.shared.attempts import ENTRIES, LINGER_SECONDS, SharedAttempts
from gateway.shared.counts import SharedCounts
from gateway.shared.tables import make_tables
from gateway.shared.tally import Delivered, SharedTally
from gateway.shared.times import SharedTimes


def in_child(work: Callable[[], object]) -> None:
    """Call something in a process that is forked for it."""
    pid = os.fork()
    if not pid:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0


class TestCounts:
    def test_all_processes_count_together(self) -> None:
        counts = SharedCounts(3)
        counts.begin(0)
        counts.enter("a")

        def other() -> None:
            counts.begin(1)
            for host in ("a", "a", "b"):
                counts.enter(host)
            assert (counts.total(), counts.of("a")) == (4, 3)

        in_child(other)
        assert (counts.total(), counts.of("a"), counts.of("b"), counts.of("c")) == (4, 3, 1, 0)
        counts.leave("a")
        assert (counts.total(), counts.of("a")) == (3, 2)

    def test_what_a_dead_worker_counted_is_forgotten(self) -> None:
        counts = SharedCounts(2)
        counts.begin(0)
        counts.enter("a")

        def other() -> None:
            counts.begin(1)
            counts.enter("a")

        in_child(other)
        assert counts.of("a") == 2
        counts.forget(1)
        assert (counts.total(), counts.of("a")) == (1, 1)

    def test_two_thousand_addresses_are_told_apart(self) -> None:
        counts = SharedCounts(1)
        counts.begin(0)
        hosts = [f"10.0.{at // 250}.{at % 250}" for at in range(2000)]
        for host in hosts:
            counts.enter(host)
        assert counts.total() == 2000
        assert all(1 <= counts.of(host) <= 3 for host in hosts)
        for host in hosts:
            counts.leave(host)
        assert {counts.of(host) for host in hosts} == {0}

    def test_who_has_most(self) -> None:
        counts = SharedCounts(2)

        def enter(number: int, times: int) -> None:
            counts.begin(number)
            counts.serve(True)
            for _ in range(times):
                counts.enter("a")

        counts.begin(0)
        enter(0, 12)
        assert counts.room() > 12, "the other does not serve"
        in_child(lambda: enter(1, 4))
        assert not counts.room()
        in_child(lambda: enter(1, 1))
        assert counts.room() == 1, "about as many as the other"
        counts.forget(1)
        assert counts.room()

    def test_many_are_shared_evenly_enough(self) -> None:
        counts = SharedCounts(2)
        for number in (1, 0):
            counts.begin(number)
            counts.serve(True)
        taken = [0, 0]
        for _ in range(200):
            # The first is always the faster one.
            number = 0 if counts.room() else 1
            counts.begin(number)
            counts.enter("a")
            taken[number] += 1
            counts.begin(0)
        assert min(taken) > 80

    def test_they_take_turns_where_no_connection_lasts(self) -> None:
        counts = SharedCounts(2)

        def take(number: int) -> int:
            counts.begin(number)
            taken = 0
            while counts.room():
                counts.enter("a")
                counts.leave("a")
                taken += 1
            return taken

        counts.begin(1)
        counts.serve(True)
        counts.begin(0)
        counts.serve(True)
        assert [take(number) for number in (0, 1, 0)] == [8, 8, 8]


class TestAttempts:
    def test_others_see_what_is_under_way(self) -> None:
        now = [100.0]
        attempts = SharedAttempts(2, lambda: now[0])

        def other() -> None:
            attempts.begin(1)
            attempts.begun("anna", "10.0.0.1", b"x0")
            attempts.begun("anna", "10.0.0.1", b"x0")
            attempts.begun("anna", "10.0.0.1", b"y0")
            attempts.begun("ben", "10.0.0.1", b"z0")
            assert attempts.elsewhere("anna", "10.0.0.1") == set(), "its own are known to it"

        attempts.begin(0)
        in_child(other)
        assert attempts.elsewhere("anna", "10.0.0.1") == {b"x0", b"y0"}
        assert attempts.elsewhere("anna", "10.0.0.2") == set()
        attempts.forget(1)
        assert attempts.elsewhere("anna", "10.0.0.1") == set()

    def test_a_wrong_one_counts_until_it_is_in_the_file(self) -> None:
        now = [100.0]
        attempts = SharedAttempts(2, lambda: now[0])
        attempts.begin(1)
        right = attempts.begun("anna", "h", b"r0")
        wrong = attempts.begun("anna", "h", b"w0")
        assert right is not None and wrong is not None
        attempts.ended(right, wrong=False)
        attempts.ended(wrong, wrong=True)
        attempts.begin(0)
        assert attempts.elsewhere("anna", "h") == {b"w0"}
        now[0] += LINGER_SECONDS + 0.1
        assert attempts.elsewhere("anna", "h") == set()

    def test_entries_are_used_again_and_never_run_over(self) -> None:
        now = [100.0]
        attempts = SharedAttempts(1, lambda: now[0])
        attempts.begin(0)
        begun = [attempts.begun("anna", "h", b"w0") for _ in range(ENTRIES)]
        assert len(set(begun)) == ENTRIES
        assert attempts.begun("anna", "h", b"w0") is None
        for number in begun:
            assert number is not None
            attempts.ended(number, wrong=True)
        assert attempts.begun("anna", "h", b"w0") is None
        now[0] += LINGER_SECONDS + 0.1
        assert attempts.begun("anna", "h", b"w0") is not None


class TestTimes:
    def test_a_time_is_known_in_all(self) -> None:
        times = SharedTimes()
        in_child(lambda: times.put("anna", 7.0))
        assert times.get("anna") == 7.0
        assert times.get("ben") is None
        times.put("anna", 8.0)
        assert times.get("anna") == 8.0

    def test_the_latest_of_many_are_kept(self) -> None:
        times = SharedTimes()
        names = [f"user{at}@example.org" for at in range(200_000)]
        for at, name in enumerate(names):
            times.put(name, float(at))
        assert times.get(names[-1]) == 199_999.0
        kept = [name for name in names[-10_000:] if times.get(name) is not None]
        assert len(kept) > 9_900


class TestTally:
    def test_what_others_delivered(self) -> None:
        tally = SharedTally(3)
        tally.begin(0)
        tally.add("anna", 5)

        def other() -> None:
            tally.begin(2)
            tally.add("anna", 100)
            tally.add("anna", 20)
            assert tally.elsewhere("anna") == Delivered(1, 5)

        in_child(other)
        assert tally.elsewhere("anna") == Delivered(2, 120)


def test_a_dead_worker_leaves_login_times_and_deliveries() -> None:
    tables = make_tables(2)
    tables.begin(1)
    tables.connections.enter("a")
    tables.logins.put("anna", 7.0)
    tables.deliveries.add("anna", 5)
    tables.begin(0)
    tables.forget(1)
    assert tables.connections.total() == 0
    assert tables.logins.get("anna") == 7.0
    assert tables.deliveries.elsewhere("anna") == Delivered(1, 5)
