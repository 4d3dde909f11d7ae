"""How long a failed login takes says nothing about why it failed."""

from __future__ import annotations

import poplib
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from passlib.hash import sha512_crypt

from tests.interop.gateway import Gateway

SAMPLES = 70
NAMES = {
    "nobody": "nobody@localhost",
    "argon2": "anna@localhost",
    "crypt": "old@localhost",
    "cheap": "cheap@localhost",
    "disabled": "gone@localhost",
}
CONFIGURATION = """
[listen]
pop3 = ["tcp:0:interface=127.0.0.1"]
[auth]
plaintext = "loopback"
failure_seconds = 0.6
throttle_passwords = 0
"""


def _seconds(port: int, name: str) -> float:
    client = poplib.POP3("127.0.0.1", port, timeout=60)
    try:
        client.user(name)
        began = time.perf_counter()
        with pytest.raises(poplib.error_proto, match=r"-ERR \[AUTH\] wrong user name or password"):
            client.pass_(f"wrong {random.random()}")
        return time.perf_counter() - began
    finally:
        client.close()


def _chance_to_tell(one: list[float], other: list[float]) -> float:
    """How often the longer of two samples, one of each kind, is the second: 0.5 tells nothing."""
    wins = sum((a < b) + (a == b) / 2 for a in one for b in other)
    return wins / (len(one) * len(other))


@pytest.mark.measured
def test_no_difference_can_be_used(tmp_path: Path) -> None:
    with Gateway(tmp_path, configuration=CONFIGURATION, options=[]) as gateway:
        users = tmp_path / "users"
        users.write_text(
            "anna@localhost,the password\n"
            f"old@localhost,{sha512_crypt.using(rounds=200_000).hash('the password')}\n"
            "gone@localhost,the password\n"
            "cheap@localhost,{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n"
        )
        gateway.admin("user", "add", "--from", str(users))
        gateway.admin("user", "set", "gone@localhost", "enabled", "no")
        # Interleaved at random: whatever else the machine does falls on all kinds alike.
        plan = [kind for kind in NAMES for _ in range(SAMPLES)]
        random.Random(6).shuffle(plan)
        port = gateway.ports["pop3"]
        with ThreadPoolExecutor(2) as threads:
            took = list(threads.map(lambda kind: _seconds(port, NAMES[kind]), plan))
        by_kind = {
            kind: [seconds for one, seconds in zip(plan, took, strict=True) if one == kind]
            for kind in NAMES
        }
        assert min(took) >= 0.59
        for kind in NAMES:
            # With 70 samples of each, chance alone strays by 0.05 (one standard deviation).
            assert abs(_chance_to_tell(by_kind["nobody"], by_kind[kind]) - 0.5) < 0.25, kind
