"""Internationalized messages for clients without UTF8: sizes that hold, whatever happens."""

from __future__ import annotations

import re

import pytest
from twisted.internet.task import Clock

from gateway.pop3.surrogates import SurrogateMaildrop, in_ascii
from gateway.store.interfaces import MessageAttributes
from tests.pop3.maildrops import MESSAGES, SMTPUTF8, MemoryMailbox, MemoryMaildrop
from tests.pop3.server import Server

UTF8 = {"maildrop": "utf8"}


@pytest.mark.parametrize("avatar", ["plain", "slow"])
@pytest.mark.parametrize("first", [b"", b"UTF8\r\n"])
def test_announced_is_sent(avatar: str, first: bytes) -> None:
    server = Server(UTF8, avatar)
    session = server.connect()
    session.say(first + b"USER mrose\r\nPASS tanstaaf\r\n")
    listing = session.say(b"LIST\r\n")
    sizes = {int(n): int(size) for n, size in re.findall(rb"^(\d+) (\d+)\r$", listing, re.M)}
    assert session.say(b"STAT\r\n") == b"+OK 4 %d\r\n" % sum(sizes.values())
    sent = 0
    for number, size in sizes.items():
        reply = session.say(b"RETR %d\r\n" % number)
        if reply.startswith(b"+OK"):
            status, _, message = reply.partition(b"\r\n")
            assert status == b"+OK %d octets" % size
            assert len(message) == size + len(b".\r\n")
            sent += 1
    assert sent == (4 if first else 3)


def test_a_maildrop_without_such_messages_is_left_alone() -> None:
    maildrop = MemoryMaildrop(MemoryMailbox(MESSAGES["rfc1939"]))
    assert in_ascii(maildrop, Clock()) is maildrop


def surrogate(mailbox: MemoryMailbox, clock: Clock) -> SurrogateMaildrop:
    maildrop = MemoryMaildrop(mailbox)
    maildrop.mailbox = "only@example.com"
    maildrop.release()
    opening = in_ascii(maildrop, clock)
    while not opening.called:
        clock.advance(0)
    return opening.result  # type: ignore[attr-defined, no-any-return]


def test_what_cannot_be_read_does_not_lock_the_user_out() -> None:
    mailbox = MemoryMailbox(MESSAGES["utf8"], SMTPUTF8["utf8"])
    mailbox.gone.add("id-1")
    maildrop = surrogate(mailbox, Clock())
    assert maildrop.snapshot.sizes[1] == len(MESSAGES["utf8"][1])
    mailbox.gone.clear()
    assert surrogate(mailbox, Clock()).snapshot.sizes[1] == 114


def test_attributes_and_deletions_pass_through() -> None:
    mailbox = MemoryMailbox(MESSAGES["utf8"], SMTPUTF8["utf8"])
    maildrop = surrogate(mailbox, Clock())
    assert maildrop.attributes(0) == MessageAttributes()
    assert maildrop.commit([1]).result == []  # type: ignore[attr-defined]
    assert list(mailbox.messages) == ["id-0", "id-2", "id-3"]


def test_a_vanished_one_is_gone() -> None:
    server = Server(UTF8)
    session = server.log_in()
    server.mailbox.gone.add("id-1")
    assert session.say(b"RETR 2\r\n").startswith(b"-ERR message 2 is no longer there")


def test_one_that_changes_under_our_eyes_is_refused() -> None:
    server = Server(UTF8)
    session = server.log_in()
    server.mailbox.messages["id-1"] += b"more\r\n"
    assert session.say(b"RETR 2\r\n").startswith(b"-ERR [SYS/TEMP] message 2 cannot be read")
    assert session.say(b"RETR 4\r\n").startswith(b"+OK")
