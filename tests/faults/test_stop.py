"""Graceful stop of the real process: what was accepted stays, what was refused is not stored."""

from __future__ import annotations

import itertools
import random
import signal
import smtplib
import socket
import time
from pathlib import Path

import pytest

from gateway.service import WIND_DOWN_SECONDS
from tests.faults.test_kill import CONNECTIONS, Ledger, Sender, _found, _temporary_files
from tests.interop.gateway import Gateway
from tests.interop.mail import read_all

EXIT_SECONDS = WIND_DOWN_SECONDS + 10
"""What docs/administrator.md states, and time for a slow machine."""


def stop(gateway: Gateway, by: signal.Signals) -> None:
    """Send a signal; it has to end in the time stated."""
    assert gateway.process is not None
    gateway.process.send_signal(by)
    gateway.process.wait(timeout=EXIT_SECONDS)
    gateway.process = None


@pytest.mark.slow
def test_under_load(tmp_path: Path) -> None:
    chance = random.Random(321)
    gateway = Gateway(tmp_path)
    gateway.start()
    accounts = gateway.add_accounts(3)
    told = Ledger()
    for number in range(12):
        names = map(f"{number}-{{}}".format, itertools.count())
        senders = [Sender(gateway, names, accounts) for _ in range(CONNECTIONS)]
        for sender in senders:
            sender.start()
        time.sleep(chance.uniform(0.05, 0.4))
        stop(gateway, (signal.SIGTERM, signal.SIGINT)[number % 2])
        for sender in senders:
            sender.join(timeout=30)
            assert not sender.is_alive()
            assert all(text.startswith(b"4.3.2") for text in sender.refusals)
            told.promised |= sender.ledger.promised
            told.open |= sender.ledger.open
        gateway.start()
    found = _found(gateway, accounts)
    gateway.stop()
    assert len(told.promised) > 12
    assert {pair: found[pair] for pair in told.promised if found[pair] != 1} == {}
    # What was answered 421 is in neither set of the senders.
    assert found.keys() - told.promised <= told.open
    assert max(found.values()) == 1
    assert _temporary_files(gateway) == set()


def test_a_message_half_sent(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    gateway.start()
    (account,) = gateway.add_accounts(1)
    idle = socket.create_connection(("127.0.0.1", gateway.ports["smtp"]), timeout=20)
    assert idle.recv(1000).startswith(b"220")
    client = smtplib.SMTP("127.0.0.1", gateway.ports["smtp"], timeout=20)
    client.ehlo("client.example.org")
    client.mail("sender@example.org")
    client.rcpt(account.address)
    client.putcmd("data")
    assert client.getreply()[0] == 354
    client.send(b"Subject: half\r\n\r\n" + b"x\r\n" * 60_000)
    stop(gateway, signal.SIGTERM)
    assert client.getreply()[0] == 421
    assert idle.recv(1000).startswith(b"421 4.3.2")
    assert idle.recv(1000) == b""
    idle.close()
    client.close()
    gateway.start()
    assert read_all(gateway, account) == []
    gateway.stop()
    assert _temporary_files(gateway) == set()
