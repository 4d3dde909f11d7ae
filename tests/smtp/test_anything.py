"""Sessions put together at random: nothing raises, however the octets are cut."""

from __future__ import annotations

import random

import pytest

from tests.dialogs.player import at_random, whole
from tests.smtp.server import Server

PIECES = [
    b"EHLO x\r\n",
    b"LHLO x\r\n",
    b"MAIL FROM:<a@x.example>\r\n",
    b"MAIL FROM:<> SIZE=10 BODY=8BITMIME SMTPUTF8\r\n",
    b"MAIL FROM:<a@x.example> SIZE=99999999999\r\n",
    b"RCPT TO:<anna@example.com>\r\n",
    b"RCPT TO:<bert@example.com>\r\n",
    b"RCPT TO:<nobody@example.com>\r\n",
    b"DATA\r\n",
    b"Subject: x\r\n\r\ntext\r\n.\r\n",
    b".\r\n",
    b"\r\n.\r",
    b"\n.\n",
    b"\0",
    b"BDAT 5\r\nab\r\nc",
    b"BDAT 4 LAST\r\nab\r\n",
    b"BDAT 7\r\n\n.\r\n\r\n\r",
    b"BDAT 0 LAST\r\n",
    b"BDAT 0\r\n",
    b"BDAT 100\r\n" + b"x" * 100,
    b"BDAT 3\r\nNOOP\r\n",
    b"BDAT 9\r\nNO",
    b"RSET\r\n",
    b"NOOP\r\n",
    b"VRFY x\r\n",
    b"AUTH PLAIN\r\n",
    b"*\r\n",
    b"AGFubmEAc2VjcmV0\r\n",
    b"AUTH LOGIN YW5uYQ==\r\nc2VjcmV0\r\n",
    b"\xff\xfe\r\n",
    b"PROXY UNKNOWN\r\n",
    b"x" * 13_000 + b"\r\n",
    b"\r\n",
]
LIKELY = PIECES[2:3] * 4 + PIECES[5:6] * 4 + PIECES[8:10] * 3 + PIECES[14:18] * 2
OPTIONS = [
    {"plaintext": "always", "errors": "60"},
    {"lmtp": "", "errors": "60"},
    {"bare_newlines": "normalise", "message_octets": "60", "errors": "60", "messages": "5"},
]


def script(seed: int) -> bytes:
    source = random.Random(seed)
    hello = PIECES[1] if seed % 3 == 1 else PIECES[0]
    return hello + b"".join(source.choice(PIECES + LIKELY) for _ in range(60))


def play(seed: int, split: object) -> tuple[bytes, dict[str, list[bytes]], bool]:
    server = Server(OPTIONS[seed % 3])
    client = server.connect()
    for segment in split(script(seed)):  # type: ignore[operator]
        client.protocol.dataReceived(segment)
        if client.protocol._waiting:
            server.settle()
    said = client.transport.take()
    closed = client.transport.disconnecting or client.transport.disconnected
    client.lose()
    server.check_clean()
    return said, {name: server.stored(name) for name in server.store.mailboxes}, closed


@pytest.mark.parametrize("seed", range(60))
def test_anything(seed: int) -> None:
    expected = play(seed, whole)
    assert play(seed, at_random(seed)) == expected
    said, mailboxes, _ = expected
    for line in said.split(b"\r\n")[:-1]:
        assert line[:3].isdigit() and line[3:4] in b" -"
    stored = sum(map(len, mailboxes.values()))
    if "lmtp" not in OPTIONS[seed % 3]:
        assert said.count(b"250 2.0.0 stored") <= stored


def test_messages_are_stored_among_all_that() -> None:
    assert sum(len(play(seed, whole)[1]) for seed in range(60)) > 10
