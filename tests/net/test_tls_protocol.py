"""The TLS protocol: Twisted's own tests of it, and writes of every size around a record's."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from OpenSSL import SSL
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import StringTransport

from gateway.events import EventStream
from gateway.net.local_ca import LocalCA
from gateway.net.tls import ServerTLS
from gateway.net.tls_protocol import TOGETHER_OCTETS
from tests.net.twisted_tests import run_twisted_tests

RECORD = 16_384


def test_it_is_a_tls_protocol_as_twisted_tests_them(tmp_path: Path) -> None:
    ours = run_twisted_tests(
        "twisted_tls_tests.py", tmp_path / "ours", "gateway.net.tls_protocol.TLSProtocol"
    )
    theirs = run_twisted_tests("twisted_tls_tests.py", tmp_path / "theirs")
    assert ours["ran"] == theirs["ran"] > 50
    assert set(ours["failed"]) <= set(theirs["failed"])


class CountingTransport(StringTransport):
    """Counts the writes."""

    writes = 0

    def write(self, data: bytes) -> None:
        self.writes += 1
        super().write(data)


class Ends:
    """A server's side in memory, and a client that has shaken hands with it."""

    def __init__(self, folder: Path, version: int) -> None:
        authority = LocalCA.open(folder / "ca.pem", folder / "ca-key.pem")
        (folder / "tls").mkdir()
        pair = (folder / "tls" / "fullchain.pem", folder / "tls" / "privkey.pem")
        authority.ensure_certificate(*pair, ("a.example",))
        tls = ServerTLS(folder / "tls", EventStream())
        context = SSL.Context(SSL.TLS_METHOD)
        context.set_max_proto_version(version)
        self.client = SSL.Connection(context, None)
        self.client.set_connect_state()
        self.transport = CountingTransport()
        self.server: Any = tls.wrap(Factory.forProtocol(Protocol)).buildProtocol(None)
        self.server.makeConnection(self.transport)

    def shake(self) -> None:
        for _ in range(4):
            try:
                self.client.do_handshake()
            except SSL.WantReadError:
                pass
            try:
                self.server.dataReceived(self.client.bio_read(RECORD))
            except SSL.WantReadError:
                pass
            self.carry()

    def carry(self) -> None:
        """Bring what the server said to the client."""
        said = self.transport.value()
        self.transport.clear()
        if said:
            self.client.bio_write(said)

    def heard(self) -> bytes:
        self.carry()
        blocks = []
        while True:
            try:
                blocks.append(self.client.recv(1_000_000))
            except SSL.WantReadError:
                return b"".join(blocks)


@pytest.fixture(params=[SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION], ids=["1.2", "1.3"])
def ends(tmp_path: Path, request: pytest.FixtureRequest) -> Ends:
    return Ends(tmp_path, request.param)


SIZES = (1, RECORD - 1, RECORD, RECORD + 1, 26_000, TOGETHER_OCTETS - 1, TOGETHER_OCTETS)


@pytest.mark.parametrize("size", SIZES)
def test_all_records_of_a_write_go_out_together(ends: Ends, size: int) -> None:
    ends.shake()
    ends.heard()
    ends.transport.writes = 0
    octets = random.Random(size).randbytes(size)
    ends.server.write(octets)
    assert ends.transport.writes == 1
    assert ends.heard() == octets


@pytest.mark.parametrize("size", [TOGETHER_OCTETS + 1, 1_000_000])
def test_what_is_larger_comes_whole(ends: Ends, size: int) -> None:
    ends.shake()
    octets = random.Random(size).randbytes(size)
    ends.server.write(octets)
    ends.server.write(b"the end")
    assert ends.heard() == octets + b"the end"


def test_nothing_is_written_for_nothing(ends: Ends) -> None:
    ends.shake()
    ends.heard()
    ends.transport.writes = 0
    ends.server.write(b"")
    assert ends.transport.writes == 0


def test_what_is_written_before_the_handshake_comes_after_it_in_order(ends: Ends) -> None:
    octets = random.Random(0).randbytes(40_000)
    ends.server.write(octets)
    ends.server.write(b"the end")
    ends.shake()
    assert ends.heard() == octets + b"the end"
