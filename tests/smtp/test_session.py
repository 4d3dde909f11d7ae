"""What dialogs do not show: what the delivery is given, what is told, what is held in memory."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from zope.interface.verify import verifyObject

from gateway.client import TLSParameters
from gateway.delivery.interfaces import IDelivery, ITransaction, OutcomeUnknown
from gateway.events import (
    InternalError,
    LoginFailed,
    MessageAbandoned,
    MessageRefused,
    MessageStored,
    SessionClosed,
)
from gateway.net.limits import ConnectionLimits
from gateway.smtp.keywords import protocol_keyword
from gateway.wire.replies import SMTPReply
from tests.smtp.deliveries import ByHand, ByHandTransaction
from tests.smtp.server import AFAR, BEGUN, GREETED, LOOPBACK, MESSAGE, Server, codes_of


@pytest.fixture
def delivery() -> ByHand:
    return ByHand(waits=False)


def test_interfaces(delivery: ByHand) -> None:
    assert verifyObject(IDelivery, delivery)
    assert verifyObject(ITransaction, ByHandTransaction(delivery))


def test_envelope(delivery: ByHand) -> None:
    client = Server(delivery=delivery).connect()
    client.say(GREETED)
    client.say(b"MAIL FROM:<> SIZE=42\r\nRCPT TO:<Anna@Example.com>\r\nRCPT TO:<POSTmaster>\r\n")
    envelope = delivery.envelope
    assert envelope is not None
    assert envelope.id == "5e5510.1"
    assert envelope.sender == ""
    assert envelope.helo == "client.example"
    assert envelope.protocol == "ESMTP"
    assert envelope.size == 42
    assert envelope.received_at > 1_700_000_000
    assert envelope.client is client.protocol.client
    assert envelope.recipients == ["Anna@Example.com", "POSTmaster"]


def test_each_message_has_its_own_id(delivery: ByHand) -> None:
    client = Server(delivery=delivery).connect()
    client.say(GREETED)
    ids = []
    for _ in range(3):
        client.say(b"RSET\r\n" + BEGUN)
        assert delivery.envelope is not None
        ids.append(delivery.envelope.id)
    assert ids == ["5e5510.1", "5e5510.2", "5e5510.3"]


@pytest.mark.parametrize(
    ("command", "aborts"),
    [(b"RSET\r\n", 1), (b"EHLO again\r\n", 1), (b"HELO again\r\n", 1), (b"NOOP\r\n", 0)],
)
def test_what_gives_a_message_up(delivery: ByHand, command: bytes, aborts: int) -> None:
    client = Server(delivery=delivery).connect()
    client.say(GREETED + BEGUN + command)
    assert delivery.steps.count("abort") == aborts
    client.lose()
    assert delivery.steps.count("abort") == 1


@pytest.mark.parametrize("protocol", ["smtp", "lmtp"])
def test_each_recipient_its_own_outcome(delivery: ByHand, protocol: str) -> None:
    full = SMTPReply(452, "4.2.2", "full")
    delivery.answers = {"commit": [None, full, None]}
    server = Server({"lmtp": ""} if protocol == "lmtp" else {}, delivery=delivery)
    client = server.connect()
    client.say(GREETED.replace(b"EHLO", b"LHLO") if protocol == "lmtp" else GREETED)
    client.say(BEGUN + b"RCPT TO:<b@x.example>\r\nRCPT TO:<c@x.example>\r\nDATA\r\n")
    replies = client.codes(MESSAGE + b".\r\n")
    if protocol == "lmtp":
        assert replies == ["250 2.0.0", "452 4.2.2", "250 2.0.0"]
        assert not server.told(MessageRefused)
    else:
        assert replies == ["452 4.2.2"], "no bounce can be sent: stored for all, or not"
        assert len(server.told(MessageRefused)) == 1


@pytest.mark.parametrize("answer", [[None], [], True])
@pytest.mark.parametrize("protocol", ["smtp", "lmtp"])
def test_a_delivery_that_answers_wrongly(delivery: ByHand, protocol: str, answer: object) -> None:
    delivery.answers = {"write": 17, "commit": answer}
    server = Server({"lmtp": ""} if protocol == "lmtp" else {}, delivery=delivery)
    client = server.connect()
    client.say(GREETED.replace(b"EHLO", b"LHLO") if protocol == "lmtp" else GREETED)
    client.say(BEGUN + b"RCPT TO:<b@x.example>\r\nDATA\r\n")
    replies = client.codes(MESSAGE + b".\r\n")
    assert replies == ["451 4.3.0"] * (2 if protocol == "lmtp" else 1)
    assert len(server.told(InternalError)) == 1
    assert client.codes(b"NOOP\r\n") == ["250 2.0.0"]


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("protocol", ["smtp", "lmtp"])
def test_nobody_knows_whether_it_is_stored(protocol: str, waits: bool) -> None:
    delivery = ByHand(waits=False)
    delivery.answers = {"commit": OutcomeUnknown("it died")}
    server = Server({"lmtp": ""} if protocol == "lmtp" else {}, delivery=delivery)
    client = server.connect()
    client.say(GREETED.replace(b"EHLO", b"LHLO") if protocol == "lmtp" else GREETED)
    client.say(BEGUN + b"RCPT TO:<b@x.example>\r\nDATA\r\n")
    delivery.waits = waits
    heard = client.say(MESSAGE + b".\r\n") if not waits else _answered_later(client, delivery)
    assert heard == b"", "neither 250 nor a refusal would be true"
    assert client.transport.disconnecting or client.transport.disconnected
    (abandoned,) = server.told(MessageAbandoned)
    assert abandoned.recipients == ("anna@example.com", "b@x.example")
    assert not server.told(InternalError)
    assert not server.told(MessageRefused)


def _answered_later(client: Any, delivery: ByHand) -> bytes:
    delivery.waits = False
    client.say(MESSAGE)
    delivery.waits = True
    heard: bytes = client.say(b".\r\n")
    delivery.answer("write")
    delivery.answer("commit", OutcomeUnknown("it died"))
    return heard


def test_events() -> None:
    server = Server()
    client = server.connect()
    client.say(GREETED + BEGUN + b"DATA\r\n" + MESSAGE + b".\r\n")
    client.say(BEGUN + b"DATA\r\nbare\n\r\n.\r\n")
    client.say(b"QUIT\r\n")
    client.lose()
    (stored,) = server.told(MessageStored)
    assert stored.id == "5e5510.1"
    (refused,) = server.told(MessageRefused)
    assert refused.id == "5e5510.2"
    assert refused.reply.startswith("554 5.6.0")
    (closed,) = server.told(SessionClosed)
    assert closed.reason == "quit"
    server.check_clean()


def test_failed_login_is_told_without_the_password() -> None:
    server = Server()
    client = server.connect(LOOPBACK)
    client.say(GREETED)
    client.say(b"AUTH PLAIN AGFubmEAc2VjcmVUVA==\r\n")
    assert client.transport.take() == b"", "not before failure_seconds"
    server.settle()
    assert codes_of(client.transport.take()) == ["535 5.7.8"]
    (failed,) = server.told(LoginFailed)
    assert "secreTT" not in repr(failed)
    assert failed.name == "anna"
    assert client.protocol.client.user is None


def test_a_password_that_cannot_be_checked_now() -> None:
    server = Server()
    server.directory.available = False
    client = server.connect(LOOPBACK)
    client.say(GREETED)
    assert client.codes(b"AUTH PLAIN AGFubmEAc2VjcmV0\r\n") == ["454 4.7.0"]
    assert client.codes(b"NOOP\r\n") == ["250 2.0.0"]


def test_login_belongs_to_the_session() -> None:
    server = Server({"tls": ""})
    client = server.connect(LOOPBACK)
    client.say(GREETED)
    assert client.codes(b"AUTH PLAIN AGFubmEAc2VjcmV0\r\n") == ["235 2.7.0"]
    assert client.protocol.client.user == "anna@example.com"
    client.say(b"STARTTLS\r\n")
    assert client.protocol.client.user is None


def test_too_many_connections(delivery: ByHand) -> None:
    server = Server(delivery=delivery, limits=ConnectionLimits(per_address=1))
    first = server.connect()
    second = server.connect(AFAR)
    assert codes_of(second.greeting) == ["421 4.7.0"]
    assert second.transport.disconnecting
    second.protocol.dataReceived(GREETED)
    assert second.transport.take() == b""
    second.lose()
    assert first.codes(b"NOOP\r\n") == ["250 2.0.0"]


def test_a_large_message_passes_without_being_held(delivery: ByHand) -> None:
    client = Server(delivery=delivery).connect()
    client.say(GREETED + BEGUN + b"DATA\r\n")
    received = 0

    def step(name: str, argument: object, result: object = None) -> None:
        nonlocal received
        if isinstance(argument, bytes):
            received += len(argument)

    delivery.step = step  # type: ignore[method-assign,assignment]
    block = (b"x" * 76 + b"\r\n") * 840
    tracemalloc.start()
    sent = 0
    while sent < 25 * 1024 * 1024:
        client.protocol.dataReceived(block)
        sent += len(block)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert client.codes(b".\r\n") == ["250 2.0.0"]
    assert received == sent
    assert peak < 1024 * 1024


def test_a_message_beyond_the_limit_is_not_handed_on(delivery: ByHand) -> None:
    client = Server({"message_octets": "1000"}, delivery=delivery).connect()
    client.say(GREETED + BEGUN + b"DATA\r\n")
    for _ in range(100):
        client.say(b"x" * 500)
    assert client.codes(b"\r\n.\r\n") == ["552 5.3.4"]
    assert len(delivery.octets) <= 1000
    assert delivery.steps[-1] == "abort"


@pytest.mark.parametrize(
    ("lmtp", "extended", "smtputf8", "tls", "user", "keyword"),
    [
        (False, False, False, False, None, "SMTP"),
        (False, False, False, True, None, "SMTP"),
        (False, True, False, False, None, "ESMTP"),
        (False, True, False, True, None, "ESMTPS"),
        (False, True, False, False, "a", "ESMTPA"),
        (False, True, False, True, "a", "ESMTPSA"),
        (True, True, False, False, None, "LMTP"),
        (True, True, False, True, "a", "LMTPSA"),
        (False, True, True, False, None, "UTF8SMTP"),
        (False, True, True, True, "a", "UTF8SMTPSA"),
        (True, True, True, False, None, "UTF8LMTP"),
    ],
)
def test_protocol_keyword(
    lmtp: bool, extended: bool, smtputf8: bool, tls: bool, user: str | None, keyword: str
) -> None:
    client = Server().connect().protocol.client
    client.tls = TLSParameters("TLSv1.3", "X") if tls else None
    client.user = user
    assert protocol_keyword(client, lmtp=lmtp, extended=extended, smtputf8=smtputf8) == keyword
