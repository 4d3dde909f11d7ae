"""Kill -9 of the whole gateway, under load, at its N-th call of a kind: fsync, linkat, ..."""

from __future__ import annotations

import itertools
import random
import subprocess
import time
from pathlib import Path

import pytest

from tests.faults.test_kill import CONNECTIONS, Ledger, Sender, _found, _temporary_files
from tests.interop.gateway import Gateway
from tests.programs import require_program
from tests.workers.office import lives

ROUNDS = 40
CALLS = ("fsync", "linkat", "openat", "write", "close", "sendto", "futex")
LATEST = 40
SECONDS = 30


def _killed_at(gateway: Gateway, call: str, occurrence: int, senders: list[Sender]) -> None:
    """Let the senders send until a thread of the gateway makes that call so many times.

    Of several workers the first to do so is killed, and then the rest.
    """
    pids = gateway.serving()
    inject = f"inject={call}:signal=KILL:when={occurrence}"
    command = [require_program("strace"), "-f", "-o", "/dev/null", "-e", inject]
    command += [f"--attach={pid}" for pid in pids]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE)
    assert tracer.stderr is not None
    try:
        for _ in pids:
            assert b"attached" in tracer.stderr.readline()
        for sender in senders:
            sender.start()
        deadline = time.monotonic() + SECONDS
        while all(lives(pid) for pid in pids):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        tracer.kill()
        tracer.wait()
        tracer.stderr.close()
    gateway.kill9()


@pytest.mark.slow
def test_what_was_promised_is_there_once(tmp_path: Path) -> None:
    chance = random.Random(5321)
    # With a process beside it, that would make the calls, and not be the gateway.
    configuration = '[auth]\nplaintext = "loopback"\n[store]\nside_process = false\n'
    gateway = Gateway(tmp_path, store="maildir", configuration=configuration)
    gateway.start()
    accounts = gateway.add_accounts(3)
    told = Ledger()
    for number in range(ROUNDS):
        names = map(f"{number}-{{}}".format, itertools.count())
        senders = [Sender(gateway, names, accounts) for _ in range(CONNECTIONS)]
        call = CALLS[number % len(CALLS)]
        _killed_at(gateway, call, chance.randint(1, LATEST), senders)
        for sender in senders:
            sender.join(timeout=SECONDS)
            assert sender.refusals == []
            told.promised |= sender.ledger.promised
            told.open |= sender.ledger.open
        gateway.start()

    found = _found(gateway, accounts)
    gateway.stop()
    assert len(told.promised) > ROUNDS
    assert {pair: found[pair] for pair in told.promised if found[pair] != 1} == {}
    others = {pair: count for pair, count in found.items() if pair not in told.promised}
    assert set(others) <= told.open
    assert all(count == 1 for count in others.values())
    assert _temporary_files(gateway) == set()
