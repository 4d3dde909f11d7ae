"""Kill -9 in the middle of deliveries: what was answered 250 is there, once, and whole."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import random
import signal
import smtplib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.interop.gateway import Account, Gateway
from tests.interop.mail import data, read_all

KILLS = 6
CONNECTIONS = 4
SIZES = (300, 4_000, 4_000, 40_000, 300_000)
"""Octets of the bodies; the last is beyond what is kept in memory, so it is spooled."""


@dataclass
class Ledger:
    """What the senders know about each (message id, recipient)."""

    promised: set[tuple[str, str]] = field(default_factory=set)
    """Answered 250."""
    open: set[tuple[str, str]] = field(default_factory=set)
    """Sent to the end, or nearly, and never answered."""


def _message(name: str, size: int) -> bytes:
    body = (f"{name} ".encode() * (size // len(name) + 1))[:size]
    lines = b"\r\n".join(body[at : at + 70] for at in range(0, len(body), 70)) + b"\r\n"
    digest = hashlib.sha256(lines).hexdigest()
    return f"X-Name: {name}\r\nX-Digest: {digest}\r\n\r\n".encode() + lines


class Sender(threading.Thread):
    """Sends message after message on one connection until it breaks."""

    def __init__(self, gateway: Gateway, names: Iterator[str], accounts: list[Account]) -> None:
        super().__init__(daemon=True)
        self.port = gateway.ports["smtp"]
        self.names = names
        self.accounts = accounts
        self.ledger = Ledger()
        self.refusals: list[bytes] = []

    def run(self) -> None:
        with contextlib.suppress(OSError, smtplib.SMTPException):
            client = smtplib.SMTP("127.0.0.1", self.port, timeout=20)
            client.ehlo("client.example.org")
            for name in self.names:
                self._send(client, name)

    def _send(self, client: smtplib.SMTP, name: str) -> None:
        chance = random.Random(name)
        recipients = [
            one.address for one in chance.sample(self.accounts, chance.choice((1, 1, 2, 3)))
        ]
        client.mail("sender@example.org")
        for recipient in recipients:
            client.rcpt(recipient)
        pairs = {(name, recipient) for recipient in recipients}
        self.ledger.open |= pairs
        code, text = data(client, _message(name, chance.choice(SIZES)))
        self.ledger.open -= pairs
        if code == 250:
            self.ledger.promised |= pairs
        else:
            self.refusals.append(text)


def _round(gateway: Gateway, names: Iterator[str], accounts: list[Account], load: float) -> Ledger:
    """Deliver for a while, kill, and say what the senders were told."""
    senders = [Sender(gateway, names, accounts) for _ in range(CONNECTIONS)]
    for sender in senders:
        sender.start()
    time.sleep(load)
    gateway.kill9()
    told = Ledger()
    for sender in senders:
        sender.join(timeout=30)
        assert not sender.is_alive()
        assert sender.refusals == []
        told.promised |= sender.ledger.promised
        told.open |= sender.ledger.open
    return told


def _found(gateway: Gateway, accounts: list[Account]) -> Counter[tuple[str, str]]:
    """Count each message in each mailbox; every one must be whole."""
    found: Counter[tuple[str, str]] = Counter()
    for account in accounts:
        for message in read_all(gateway, account):
            head, _, body = message.partition(b"\r\n\r\n")
            fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n") if b": " in line)
            assert hashlib.sha256(body).hexdigest().encode() == fields[b"X-Digest"]
            found[fields[b"X-Name"].decode(), account.address] += 1
    return found


def _temporary_files(gateway: Gateway) -> set[Path]:
    """Every file that lies in a folder for unfinished things: the spool, and each tmp/."""
    spools = [gateway.data / "spool", gateway.data / "sqlite" / "arriving"]
    places = [*gateway.data.rglob("tmp"), *spools]
    files = {file for place in places for file in place.rglob("*") if file.is_file()}
    return files - {spool / ".lock" for spool in spools}


@pytest.mark.parametrize("store", ["maildir", "sqlite"])
def test_what_was_promised_is_there_once(tmp_path: Path, store: str) -> None:
    chance = random.Random(1939)
    gateway = Gateway(tmp_path, store=store)
    gateway.start()
    accounts = gateway.add_accounts(3)
    told = Ledger()
    for number in range(KILLS):
        names = map(f"{number}-{{}}".format, itertools.count())
        result = _round(gateway, names, accounts, chance.uniform(0.15, 0.9))
        told.promised |= result.promised
        told.open |= result.open
        gateway.start()
    assert len(told.promised) > 10 * KILLS, "the load was too small to show anything"

    found = _found(gateway, accounts)
    gateway.stop()
    assert {pair: found[pair] for pair in told.promised if found[pair] != 1} == {}
    unpromised = {pair: count for pair, count in found.items() if pair not in told.promised}
    assert {pair: count for pair, count in unpromised.items() if count > 1} == {}
    assert set(unpromised) <= told.open
    assert _temporary_files(gateway) == set()


def _side_processes(gateway: Gateway) -> set[int]:
    assert gateway.process is not None
    tasks = Path(f"/proc/{gateway.process.pid}/task").iterdir()
    return {int(pid) for task in tasks for pid in (task / "children").read_text().split()}


def test_the_processes_that_store_are_killed(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, store="maildir", workers=1)
    gateway.start()
    accounts = gateway.add_accounts(3)
    told = Ledger()
    killed = 0
    for number in range(6):
        names = map(f"{number}-{{}}".format, itertools.count())
        senders = [Sender(gateway, names, accounts) for _ in range(CONNECTIONS)]
        for sender in senders:
            sender.start()
        deadline = time.monotonic() + 20
        while len(_side_processes(gateway)) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.3 + 0.1 * number)  # at work
        for pid in _side_processes(gateway):
            os.kill(pid, signal.SIGKILL)
            killed += 1
        deadline = time.monotonic() + 20
        while _side_processes(gateway):
            assert time.monotonic() < deadline, "others were started, or these are not buried"
            time.sleep(0.02)
        assert gateway.process is not None
        assert gateway.process.poll() is None
        kept = [account for account in accounts if read_all(gateway, account)]
        assert kept == accounts, "others are served meanwhile"
        gateway.kill9()  # ends the senders; what they were told stands
        for sender in senders:
            sender.join(timeout=30)
            assert not sender.is_alive()
            told.promised |= sender.ledger.promised
            told.open |= sender.ledger.open
        gateway.start()
    assert killed == 12

    found = _found(gateway, accounts)
    assert "the process that does it died" in gateway.log
    gateway.stop()
    assert len(told.promised) > 60
    assert {pair: found[pair] for pair in told.promised if found[pair] != 1} == {}
    unpromised = {pair: count for pair, count in found.items() if pair not in told.promised}
    assert {pair: count for pair, count in unpromised.items() if count > 1} == {}
    assert set(unpromised) <= told.open
    assert _temporary_files(gateway) == set()


def test_temporary_files_of_others_are_left_alone(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, store="maildir")
    gateway.start()
    (account,) = gateway.add_accounts(1)
    assert read_all(gateway, account) == []
    tmp = gateway.mailbox(account) / "tmp"
    fresh = tmp / "1700000000.M1P1.elsewhere"
    fresh.write_bytes(b"being written by another program")
    os.utime(fresh, (time.time() - 35 * 3600,) * 2)
    gateway.kill9()

    gateway.start()
    assert read_all(gateway, account) == []
    gateway.stop()
    assert fresh.exists()
