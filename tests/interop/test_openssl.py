"""A person with openssl s_client."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.gateway import Account, Gateway
from tests.interop.mail import SAMPLES, send
from tests.programs import require_program, run


def _s_client(gateway: Gateway, kind: str, said: str, *options: str) -> bytes:
    client = [require_program("openssl"), "s_client", "-quiet", "-verify_return_error"]
    trust: list[str | Path] = [
        "-CAfile",
        gateway.ca,
        "-verify_hostname",
        "localhost",
        "-servername",
        "localhost",
    ]
    where = ["-connect", f"localhost:{gateway.ports[kind]}"]
    return run([*client, *trust, *where, *options], input=said, timeout=30).stdout


@pytest.mark.parametrize(
    ("kind", "options"), [("pop3", ["-starttls", "pop3"]), ("pop3s", [])], ids=["stls", "pop3s"]
)
def test_reading(gateway: Gateway, account: Account, kind: str, options: list[str]) -> None:
    send(gateway, [account.address], SAMPLES["plain"])
    typed = f"user {account.address}\npass {account.password}\nretr 1\nquit\n"
    answered = _s_client(gateway, kind, typed, *options)
    assert b"\r\n\r\nHello.\r\n.\r\n+OK" in answered


def test_starttls_of_smtp(gateway: Gateway) -> None:
    answered = _s_client(gateway, "smtp", "EHLO me\nQUIT\n", "-starttls", "smtp")
    assert b"250" in answered
    assert b"STARTTLS" not in answered
    assert b"221 2.0.0 " in answered
