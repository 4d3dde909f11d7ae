"""LIST and UIDL of large maildrops: in slices, rendered once, sent as fast as the client reads."""

from __future__ import annotations

import gc
import weakref

from gateway.pop3.listing import LISTINGS, SLICE, render
from gateway.store.interfaces import Snapshot
from tests.dialogs.player import DialogTransport
from tests.pop3.maildrops import MemoryMailbox
from tests.pop3.server import Server

MANY = 5 * SLICE + 3


class FullTransport(DialogTransport):
    """As a socket whose peer does not read: every write fills it."""

    def write(self, data: bytes) -> None:
        super().write(data)
        self.producer.pauseProducing()


def server_with(messages: int) -> Server:
    server = Server()
    server.mailbox.messages = MemoryMailbox([b"x\r\n"] * messages).messages
    return server


def expected(messages: int, left_out: tuple[int, ...] = ()) -> bytes:
    numbers = (n for n in range(1, messages + 1) if n not in left_out)
    return b"".join(b"%d 3\r\n" % number for number in numbers) + b".\r\n"


def test_all_and_without_the_marked() -> None:
    for messages in (SLICE - 1, SLICE, SLICE + 1, MANY):
        session = server_with(messages).log_in()
        for _ in range(2):
            assert session.say(b"LIST\r\n").partition(b"\r\n")[2] == expected(messages)
        session.say(b"DELE 1\r\nDELE %d\r\n" % messages)
        left = expected(messages, (1, messages))
        assert session.say(b"LIST\r\nNOOP\r\n").partition(b"\r\n")[2].startswith(left + b"+OK")


def test_no_slice_is_longer_than_it_should_be() -> None:
    slices = list(render(range(MANY)))
    assert [octets.count(b"\n") for octets in slices] == [SLICE] * 5 + [3]


def test_a_slice_of_marked_messages_is_left_out() -> None:
    assert b"".join(render(range(MANY), range(SLICE))).startswith(b"%d " % (SLICE + 1))


def test_it_waits_for_a_client_that_does_not_read() -> None:
    server = server_with(MANY)
    session = server.log_in()
    session.transport.__class__ = FullTransport
    said = session.say(b"UIDL\r\nNOOP\r\n")
    turns = [len(said)]
    while not said.endswith(b"nothing done\r\n"):
        session.protocol.resumeProducing()
        server.settle()
        assert session.transport.value()
        turns.append(len(session.transport.value()))
        said += session.transport.take()
    assert len(turns) > 1
    assert 0 < min(turns) <= max(turns) < 110_000
    assert said.partition(b"\r\n")[2].startswith(b"1 id-0\r\n2 id-1\r\n")
    assert said.count(b"\n") == MANY + 3


def test_a_listing_is_rendered_once_and_goes_with_its_snapshot() -> None:
    snapshot = Snapshot([3] * MANY, ["a"] * MANY)
    listing = LISTINGS.get(snapshot, "sizes")
    assert listing.whole is None
    rendered = b"".join(listing)
    assert listing.whole == rendered + b".\r\n"
    assert LISTINGS.get(snapshot, "sizes").whole is listing.whole
    assert LISTINGS.get(snapshot, "uidls") is not LISTINGS.get(snapshot, "sizes")
    gone = weakref.ref(snapshot)
    del snapshot
    gc.collect()
    assert gone() is None


def test_two_sessions_may_read_the_same_listing_at_once() -> None:
    snapshot = Snapshot([3] * MANY, ["a"] * MANY)
    one, other = iter(LISTINGS.get(snapshot, "sizes")), iter(LISTINGS.get(snapshot, "sizes"))
    first, second = [next(one)], [next(other), next(other)]
    assert first + list(one) == second + list(other) == list(render(snapshot.sizes))
