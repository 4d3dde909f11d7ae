"""Maildirs as other programs leave them, through the whole protocol and from the real store."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import IRealm, Portal
from zope.interface import implementer

from gateway.events import Event, EventStream
from gateway.pop3 import POP3Factory
from gateway.store.interfaces import IMaildrop
from gateway.wire.dots import DotEncoder
from tests.pop3.server import LOOPBACK, Session
from tests.store.conformance import ANNA
from tests.store.maildir_place import MaildirPlace
from tests.store.test_maildir_foreign import FILES

LARGE = b"x" * 997 + b"\n"


@implementer(IRealm)
class OneStoreRealm:
    """Everybody gets the same mailbox of a store."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def requestAvatar(self, avatar_id: bytes, mind: Any, *interfaces: Any) -> Any:
        opening = self._store.open_maildrop(ANNA, mind)
        return opening.addCallback(lambda maildrop: (IMaildrop, maildrop, maildrop.release))


class Server:
    """POP3 on a Maildir store."""

    def __init__(self, place: MaildirPlace) -> None:
        self.place = place
        self.events: list[Event] = []
        self.factory = POP3Factory(
            Portal(
                OneStoreRealm(place.store),
                [InMemoryUsernamePasswordDatabaseDontUse(anna=b"secret")],
            ),
            events=EventStream(self.events.append),
            reactor=place.clock,  # type: ignore[arg-type]
        )

    def log_in(self) -> Session:
        harness = SimpleNamespace(factory=self.factory, settle=lambda: self.place.clock.advance(0))
        session = Session(harness, LOOPBACK)  # type: ignore[arg-type]
        assert session.say(b"USER anna\r\nPASS secret\r\n").count(b"+OK") == 2
        return session


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    place = MaildirPlace(tmp_path)
    yield Server(place)
    place.close()


def on_the_wire(canonical: bytes) -> bytes:
    encoder = DotEncoder()
    return encoder.encode(canonical) + encoder.finish()


def retrieve(session: Session, number: int = 1) -> tuple[int, bytes]:
    """Return the size that RETR announces, and what follows its first line."""
    status, _, rest = session.say(b"RETR %d\r\n" % number).partition(b"\r\n")
    match = re.match(rb"\+OK (\d+)", status)
    assert match, status
    return int(match[1]), rest


@pytest.mark.parametrize("name", ["1700000000.4711_0.host", "1700000000.4711_0.host,S=13,W=77"])
@pytest.mark.parametrize(("octets", "canonical"), FILES.values(), ids=FILES.keys())
def test_the_announced_size_is_what_is_sent(
    server: Server, octets: bytes, canonical: bytes, name: str
) -> None:
    server.place.put(name, octets)
    session = server.log_in()
    size = len(canonical)
    assert session.say(b"STAT\r\n") == b"+OK 1 %d\r\n" % size
    assert session.say(b"LIST 1\r\n") == b"+OK 1 %d\r\n" % size
    announced, sent = retrieve(session)
    assert announced == size
    assert sent == on_the_wire(canonical)
    top = session.say(b"TOP 1 100000\r\n").partition(b"\r\n")[2]
    assert top == sent


@pytest.mark.parametrize(
    ("folder", "name"), [("cur", ":2,S"), ("cur", ":2,"), ("new", ",x"), ("cur", ":2,DFRST")]
)
def test_a_message_that_moves_during_the_session_is_found(
    server: Server, folder: str, name: str
) -> None:
    path = server.place.put("1700000000.4711_0.host", b"a\n")
    session = server.log_in()
    uidl = session.say(b"UIDL 1\r\n")
    new_name = path.name + name if name.startswith(":") else path.name
    path.rename(server.place.folder() / folder / new_name)
    assert retrieve(session) == (3, b"a\r\n.\r\n")
    assert session.say(b"DELE 1\r\nQUIT\r\n").count(b"+OK") == 2
    assert server.place.files() == []
    path.write_bytes(b"a\n")
    assert server.log_in().say(b"UIDL 1\r\n") == uidl


def test_a_message_that_vanished_is_said_and_the_session_goes_on(server: Server) -> None:
    paths = [server.place.put(f"170000000{n}.4711_0.host", b"%d\n" % n) for n in range(3)]
    session = server.log_in()
    paths[1].unlink()
    for command in (b"RETR 2\r\n", b"TOP 2 0\r\n"):
        reply = session.say(command)
        assert reply.startswith(b"-ERR"), reply
        assert b"2" in reply
        assert not reply.startswith(b"-ERR [SYS")
    assert retrieve(session, 3) == (3, b"2\r\n.\r\n")
    assert session.say(b"DELE 2\r\nDELE 3\r\nQUIT\r\n").count(b"+OK") == 3
    assert server.place.files() == [paths[0]]


@pytest.mark.parametrize("what", ["folder", "link"])
def test_one_that_cannot_be_read_blocks_none_behind_it(
    server: Server, tmp_path: Path, what: str
) -> None:
    path = server.place.put("1700000000.4711_0.host", b"one\n")
    server.place.put("1700000001.4711_0.host", b"two\n")
    session = server.log_in()
    path.unlink()
    if what == "folder":
        path.mkdir()
    else:
        secret = tmp_path / "secret"
        secret.write_bytes(b"not yours\n")
        path.symlink_to(secret)
    reply = session.say(b"RETR 1\r\n")
    assert reply.startswith(b"-ERR [SYS/TEMP]"), reply
    assert retrieve(session, 2) == (5, b"two\r\n.\r\n")
    assert session.say(b"QUIT\r\n").startswith(b"+OK")


def test_a_file_cut_short_during_its_retrieval_ends_the_connection(server: Server) -> None:
    """Half a message must not look like a whole one, or its client would delete it."""
    path = server.place.put("1700000000.4711_0.host", LARGE * 1000)
    session = server.log_in()
    write = session.transport.write

    def write_to_slow_client(octets: bytes) -> None:
        write(octets)
        session.protocol.pauseProducing()

    session.transport.write = write_to_slow_client  # type: ignore[method-assign]
    begun = session.say(b"RETR 1\r\n")
    assert begun.startswith(b"+OK")
    os.truncate(path, 500_000)
    session.transport.write = write  # type: ignore[method-assign]
    session.protocol.resumeProducing()
    rest = session.transport.take()
    assert not (begun + rest).endswith(b"\r\n.\r\n")
    assert len(begun + rest) < 900_000
    assert session.transport.disconnecting or session.transport.disconnected
    assert server.place.files() == [path]


def test_unique_ids_outlive_flags_folders_and_sessions(server: Server) -> None:
    path = server.place.put("a strange name with blanks", b"a\n")
    server.place.put("1700000000.M1P1.host,S=2", b"b\n")
    first = server.log_in()
    listed = first.say(b"UIDL\r\n").splitlines()[1:-1]
    assert len(listed) == 2
    assert all(re.fullmatch(rb"[0-9] [\x21-\x7e]{1,70}", line) for line in listed)
    assert len({line.split()[1] for line in listed}) == 2
    first.say(b"QUIT\r\n")
    path.rename(server.place.folder() / "cur" / f"{path.name}:2,S")
    assert server.log_in().say(b"UIDL\r\n").splitlines()[1:-1] == listed
