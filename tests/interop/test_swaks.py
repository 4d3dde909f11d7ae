"""swaks sends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interop.gateway import Account, Gateway
from tests.interop.mail import MEGABYTE, assert_identical, large_message, read_all
from tests.programs import require_program, run


def _swaks(gateway: Gateway, *options: str | Path, status: int = 0) -> bytes:
    swaks = [require_program("swaks"), "--server", "localhost", "--from", "sender@example.org"]
    port = ["--port", str(gateway.ports["smtp"])]
    return run([*swaks, *port, *options], status=status, timeout=120).stdout


@pytest.mark.parametrize("tls", [[], ["--tls", "--tls-verify"]], ids=["clear", "starttls"])
def test_a_message(gateway: Gateway, account: Account, tls: list[str]) -> None:
    trust: list[str | Path] = ["--tls-ca-path", gateway.ca] if tls else []
    said = _swaks(gateway, *tls, *trust, "--to", account.address, "--body", "Hello\n.\nthere")
    assert (b"TLS started" in said) == bool(tls)
    (received,) = read_all(gateway, account)
    assert b"\r\n\r\nHello\r\n.\r\nthere\r\n" in received


def test_several_recipients(gateway: Gateway, new_account: Callable[[], Account]) -> None:
    accounts = [new_account() for _ in range(5)]
    _swaks(gateway, "--to", ",".join(account.address for account in accounts))
    messages = [message for account in accounts for message in read_all(gateway, account)]
    assert len(messages) == 5
    assert len({message.partition(b"Subject:")[2] for message in messages}) == 1


def test_25_megabytes(gateway: Gateway, account: Account, tmp_path: Path) -> None:
    message = large_message(25 * MEGABYTE)
    file = tmp_path / "message"
    file.write_bytes(message.removesuffix(b"\r\n").replace(b"\r\n", b"\n"))
    _swaks(gateway, "--to", account.address, "--data", f"@{file}", "--suppress-data")
    (received,) = read_all(gateway, account)
    assert_identical(received, message)


def test_an_unknown_recipient(gateway: Gateway) -> None:
    no_recipient = 24
    said = _swaks(gateway, "--to", "nobody@localhost", status=no_recipient)
    assert b"550 5.1.1 " in said
