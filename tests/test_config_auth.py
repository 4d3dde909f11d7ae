"""The settings of [auth] that have bounds, or settings of their own below them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.accounts.schemes import Argon2Parameters
from gateway.accounts.scram import DEFAULT_ITERATIONS
from gateway.accounts.throttle import ThrottleRules
from gateway.config import ConfigError, load
from gateway.settings import Auth


def test_defaults_are_those_of_the_parts() -> None:
    auth = Auth()
    assert Argon2Parameters(**auth.argon2.model_dump()) == Argon2Parameters()
    assert auth.scram_iterations == DEFAULT_ITERATIONS
    rules = (auth.throttle_passwords, auth.throttle_seconds, auth.throttle_delay_seconds)
    assert ThrottleRules(*rules) == ThrottleRules()


def test_all_of_them(tmp_path: Path) -> None:
    file = tmp_path / "pop3gw.toml"
    file.write_text(
        "[auth]\nargon2 = { time_cost = 3 }\nscram_iterations = 0\nfailure_seconds = 0\n"
        'throttle_passwords = 0\nthrottle_seconds = 60\nannounce = ["SCRAM-SHA-1"]\n'
    )
    auth = load(file).auth
    assert (auth.argon2.time_cost, auth.argon2.memory_cost) == (3, 19_456)
    assert (auth.scram_iterations, auth.failure_seconds, auth.throttle_passwords) == (0, 0, 0)
    assert auth.announce == ("SCRAM-SHA-1",)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("argon2 = { tim_cost = 3 }", "there is no such setting; did you mean time_cost?"),
        ("argon2 = { time_cost = 0 }", "must be at least 1, not 0"),
        ("argon2 = 3", "must be a table, not 3"),
        ("scram_iterations = 1000", "must be 0 (no verifiers) or at least 4096"),
        ("failure_seconds = 90", "must be at most 60"),
        ("throttle_passwords = -1", "must be at least 0, not -1"),
        ('announce = ["PLAIN"]', "must be 'APOP', 'CRAM-MD5', 'SCRAM-SHA-1'"),
    ],
)
def test_mistakes(tmp_path: Path, line: str, told: str) -> None:
    file = tmp_path / "pop3gw.toml"
    file.write_text(f"[auth]\n{line}\n")
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert told in str(caught.value)
    assert f"{file}, line 2: [auth" in str(caught.value)
