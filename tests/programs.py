"""The real programs that tests talk to, and what happens where one is not installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

PACKAGES = {
    "getmail": "getmail6",
    "pebble-challtestsrv": "pebble",
    "testssl": "testssl.sh",
    "fail2ban-regex": "fail2ban",
    "slapadd": "slapd",
    "postconf": "postfix",
    "dovecot": "dovecot-pop3d",
    "doveadm": "dovecot-core",
    "courierpop3d": "courier-pop",
}
"""The Debian package of a program, where it has another name."""

NOT_BESIDE = {"exim4": "postfix", "courierpop3d": "dovecot-pop3d"}
"""Programs whose package excludes the package of another."""


Command = Sequence[str | Path]


def require_program(name: str) -> str:
    """Return the path of a program; without it, skip the test and say what to install.

    With POP3GW_REQUIRE_CLIENTS=1 in the environment the test fails instead, but for what Debian
    has not on the same machine as another that is asked for.
    """
    path = shutil.which(name)
    if path is not None:
        return path
    if name in NOT_BESIDE:
        pytest.skip(f"{name} is not installed, which Debian has not beside {NOT_BESIDE[name]}")
    reason = f"{name} is not installed (Debian, Ubuntu: apt-get install {PACKAGES.get(name, name)})"
    if os.environ.get("POP3GW_REQUIRE_CLIENTS") == "1":
        pytest.fail(f"{reason}, and POP3GW_REQUIRE_CLIENTS=1 asks for it", pytrace=False)
    pytest.skip(reason)


def run(
    arguments: Command,
    *,
    input: str | bytes = b"",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    status: int | None = 0,
    timeout: float = 60,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end and compare its exit status.

    @param input: what it reads from its standard input.
    @param env: added to the environment.
    @param status: the exit status it must have; None takes any.
    @param timeout: seconds.
    """
    done = subprocess.run(
        [str(argument) for argument in arguments],
        input=input.encode() if isinstance(input, str) else input,
        capture_output=True,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        timeout=timeout,
        check=False,
    )
    if status is not None and done.returncode != status:
        text = (done.stdout + done.stderr).decode("utf-8", "replace")
        pytest.fail(f"{arguments[0]} ended with {done.returncode}, not {status}:\n{text[-4000:]}")
    return done
