"""Whatever a client sends, it gets answers of POP3, and nothing breaks."""

from __future__ import annotations

import random

import pytest

from gateway.events import InternalError
from gateway.pop3.verbs import EXTENSIONS, STATES
from tests.pop3.server import AVATARS, Server

KEYWORDS = sorted({verb.keyword for verbs in STATES.values() for verb in verbs} - {b"QUIT"})
PIECES = [
    b"",
    b" ",
    b"1",
    b"0",
    b"-1",
    b"99999999999999999999",
    b"1 1",
    b"1 1 1",
    b"UID:id-0",
    b"UID:",
    b"UID:\xff",
    b"mrose",
    b"tanstaaf",
    b"fr",
    b"*",
    b"PLAIN",
    b"LOGIN =",
    b"PLAIN AG1yb3NlAHRhbnN0YWFm",
    b"\x00",
    b"\xff\xfe",
    b"\xc3\xbc",
    b"\t",
    b"a" * 300,
    b"%s%d%b",
    b"CRAM-MD5",
    b"[IN-USE]",
]


def random_line(source: random.Random) -> bytes:
    keyword = source.choice(KEYWORDS)
    if source.random() < 0.2:
        keyword = bytes(source.randrange(256) for _ in range(source.randrange(8)))
    blank = source.choice((b" ", b"  ", b"", b"\t"))
    return keyword + blank + source.choice(PIECES) + source.choice((b"\r\n", b"\n"))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("avatar", AVATARS)
def test_random_sessions(avatar: str, seed: int) -> None:
    source = random.Random(seed)
    options = {"maildrop": "five", "errors": "100000", "extensions": " ".join(EXTENSIONS)}
    server = Server(options, avatar)
    session = server.log_in() if seed % 2 else server.connect()
    if seed % 4 == 3:
        session.say(b"SLEE\r\n")
    for _ in range(60):
        said = session.say(b"".join(random_line(source) for _ in range(source.randrange(1, 5))))
        server.clock.advance(3)
        said += session.transport.take()
        assert said.startswith((b"+OK", b"-ERR", b"+ ")) or not said
        assert said.endswith(b"\r\n") or not said
    defects = [event for event in server.events if isinstance(event, InternalError)]
    assert not defects
    session.protocol.dataReceived(b"*\r\nQUIT\r\n")
    for _ in range(5):
        server.clock.advance(3)
        server.settle()
    assert session.transport.disconnecting
    assert not server.mailbox.held


def test_the_verbs_are_all_tried() -> None:
    source = random.Random(0)
    lines = b"".join(random_line(source) for _ in range(2000))
    assert all(keyword in lines for keyword in KEYWORDS)
