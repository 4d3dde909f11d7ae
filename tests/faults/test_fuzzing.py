"""Dialogs with mistakes, made at random from those that are right: nothing breaks, nobody is lost.

The numbers are those of a generator with a fixed seed, so that what fails fails again.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.gateway import Account, Gateway
from tests.interop.mail import read_all, send

SESSIONS = 250
SECONDS = 0.1
"""How long a client waits for the last words of the gateway, which may wait for more of its own."""
CONFIGURATION = """
[auth]
plaintext = "loopback"
failure_seconds = 0.01
throttle_passwords = 0
[limits]
errors = 1000
"""

MESSAGE = b"Subject: fuzz\r\nReceived: x\r\n\r\n.\r\n..dots\r\n"
SMTP = [
    b"EHLO client.example\r\n",
    b"MAIL FROM:<a@x.example> SIZE=100 BODY=8BITMIME SMTPUTF8\r\n",
    b"RCPT TO:<%(user)s>\r\n",
    b"RCPT TO:<postmaster>\r\n",
    b"DATA\r\n",
    MESSAGE + b".\r\n",
    b"MAIL FROM:<>\r\n",
    b"RCPT TO:<%(user)s>\r\n",
    b"BDAT 20\r\nSubject: in chunks\r\n",
    b"BDAT 4 LAST\r\n\r\nx\n",
    b"RSET\r\n",
    b"AUTH PLAIN AGEAYg==\r\n",
    b"AUTH LOGIN\r\nYQ==\r\nYg==\r\n",
    b"VRFY a\r\nNOOP\r\nHELP\r\n",
    b"QUIT\r\n",
]
POP3 = [
    b"CAPA\r\n",
    b"USER %(user)s\r\n",
    b"PASS %(password)s\r\n",
    b"STAT\r\n",
    b"LIST\r\nLIST 1\r\n",
    b"UIDL\r\nUIDL 1\r\n",
    b"TOP 1 0\r\n",
    b"RETR 1\r\nRETR 2\r\n",
    b"NOOP\r\nRSET\r\nLAST\r\n",
    b"AUTH PLAIN\r\nAGEAYg==\r\n",
    b"APOP a 0123456789abcdef0123456789abcdef\r\n",
    b"LANG fr\r\nUTF8\r\n",
]
SPICE = [b"\0", b"\r", b"\n", b"\r\n.\r\n", b"\n.\n", b"\xff\xfe", b"%s" * 9, b"9" * 30, b" " * 70]


def mistaken(lines: list[bytes], chance: random.Random) -> bytes:
    """Return a dialog in which some things are not as they should be."""
    made = list(lines)
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(made))
        kind = chance.randrange(6)
        if kind == 0:
            del made[at]
        elif kind == 1:
            made.insert(at, chance.choice(lines))
        elif kind == 2:
            made[at] = made[at][: chance.randrange(len(made[at]) + 1)]
        elif kind == 3:
            made[at] = made[at] * chance.randrange(2, 50)
        else:
            octets, cut = made[at], chance.randrange(len(made[at]) + 1)
            made[at] = octets[:cut] + chance.choice(SPICE) + octets[cut + chance.randrange(3) :]
        if not made:
            break
    return b"".join(made)


def cut(octets: bytes, chance: random.Random) -> Iterator[bytes]:
    """Yield the parts in which they are sent."""
    at = 0
    while at < len(octets):
        length = chance.choice((1, 7, 100, 5000))
        yield octets[at : at + length]
        at += length


def play(port: int, octets: bytes, chance: random.Random) -> bytes:
    """Say all that; return what the gateway said, as far as it came in time."""
    said = b""
    with socket.create_connection(("127.0.0.1", port), 20) as client:
        client.settimeout(20)
        try:
            for part in cut(octets, chance):
                client.sendall(part)
            if chance.randrange(4):
                client.shutdown(socket.SHUT_WR)
            client.settimeout(SECONDS)
            while block := client.recv(65_536):
                said += block
        except (ConnectionError, TimeoutError):
            pass
    return said


def subject(message: bytes) -> bytes:
    return message.partition(b"Subject: ")[2].partition(b"\r\n")[0]


def filled(lines: list[bytes], account: Account) -> list[bytes]:
    words = {b"user": account.address.encode(), b"password": account.password.encode()}
    return [line % words if b"%(" in line else line for line in lines]


@pytest.mark.slow
@pytest.mark.parametrize("store", ["maildir", "sqlite"])
@pytest.mark.parametrize("protocol", ["smtp", "lmtp", "pop3"])
def test_nothing_breaks(tmp_path: Path, store: str, protocol: str) -> None:
    chance = random.Random(f"{protocol} {store}")
    with Gateway(tmp_path, store=store, configuration=CONFIGURATION) as gateway:
        guest, anna = gateway.add_accounts(2)
        for account in (guest, anna):
            send(gateway, [account.address], b"Subject: first\r\n\r\nhere\r\n")
        lines = filled(POP3 if protocol == "pop3" else SMTP, guest)
        if protocol == "lmtp":
            lines = [line.replace(b"EHLO", b"LHLO") for line in lines]
        answers = [
            play(gateway.ports[protocol], mistaken(lines, chance), chance) for _ in range(SESSIONS)
        ]
        greeting = b"+OK" if protocol == "pop3" else b"220"
        assert all(answer.startswith(greeting) for answer in answers if answer)
        assert sum(map(bool, answers)) > SESSIONS / 2
        send(gateway, [anna.address], b"Subject: last\r\n\r\nhere\r\n")
        assert [subject(message) for message in read_all(gateway, anna)] == [b"first", b"last"]
        assert len(read_all(gateway, guest)) >= 1
        gateway.assert_no_mishap()
