"""A delivery that takes its time: input waits, replies keep their order, nothing is lost."""

from __future__ import annotations

import pytest

from gateway.delivery.interfaces import Refused
from gateway.events import InternalError, MessageRefused, RecipientRefused
from gateway.wire.replies import SMTPReply
from tests.smtp.deliveries import ByHand
from tests.smtp.server import BEGUN, GREETED, MESSAGE, Connection, Server, codes_of

NOT_NOW = Refused(SMTPReply(450, "4.2.1", "not now"))


@pytest.fixture
def delivery() -> ByHand:
    return ByHand()


@pytest.fixture
def server(delivery: ByHand) -> Server:
    return Server(delivery=delivery)


@pytest.fixture
def client(server: Server) -> Connection:
    connection = server.connect()
    connection.say(GREETED)
    return connection


def answered(client: Connection) -> list[str]:
    return codes_of(client.transport.take())


def test_pipelined_input_waits_for_each_step(delivery: ByHand, client: Connection) -> None:
    everything = BEGUN + b"RCPT TO:<b@x.example>\r\nDATA\r\n" + MESSAGE + b".\r\nNOOP\r\n"
    assert client.say(everything) == b""
    delivery.answer("begin")
    assert answered(client) == ["250 2.1.0"]
    delivery.answer("recipient")
    assert answered(client) == ["250 2.1.5"]
    delivery.answer("recipient", NOT_NOW)
    assert answered(client) == ["450 4.2.1", "354"]
    delivery.answer("write")
    assert answered(client) == []
    delivery.answer("commit")
    assert answered(client) == ["250 2.0.0", "250 2.0.0"]
    assert delivery.octets == MESSAGE
    assert delivery.envelope is not None
    assert delivery.envelope.recipients == ["anna@example.com"]


def test_reading_pauses_while_a_write_is_slow(delivery: ByHand, client: Connection) -> None:
    client.say(BEGUN)
    delivery.answer("begin")
    delivery.answer("recipient")
    client.say(b"DATA\r\n")
    client.say(b"x" * 1000)
    for _ in range(20):
        if client.transport.producerState != "paused":
            client.say(b"y" * 16_384)
    assert client.transport.producerState == "paused"
    assert len(client.protocol._input) <= 65_536 + 16_384
    delivery.answer("write")
    assert client.transport.producerState == "producing"
    delivery.answer("write")
    client.say(b"\r\n.\r\n")
    delivery.answer("write")
    delivery.answer("commit")
    assert answered(client)[-1] == "250 2.0.0"


@pytest.mark.parametrize("step", ["begin", "recipient", "write", "commit"])
@pytest.mark.parametrize("waits", [True, False], ids=["waits", "at once"])
@pytest.mark.parametrize("error", [NOT_NOW, ZeroDivisionError("a defect")], ids=["refused", "bug"])
def test_a_step_fails(step: str, waits: bool, error: Exception) -> None:
    delivery = ByHand(waits=waits)
    delivery.answers = {step: error}
    server = Server(delivery=delivery)
    client = server.connect()
    client.say(GREETED)
    client.protocol.dataReceived(BEGUN + b"DATA\r\n" + MESSAGE + b".\r\nNOOP\r\n")
    for name in ("begin", "recipient", "write", "commit"):
        if waits and delivery.asked and delivery.asked[0][0] == name:
            delivery.answer(name, error if name == step else None)
    if step in ("begin", "recipient"):
        client.transport.clear()
        client.say(b"\r\n.\r\nRSET\r\nNOOP\r\n")  # what was the message counts as commands
        assert client.codes(b"NOOP\r\n") == ["250 2.0.0"]
    else:
        expected = "450 4.2.1" if error is NOT_NOW else "451 4.3.0"
        assert answered(client)[-2:] == [expected, "250 2.0.0"], "the session goes on"
        (refused,) = server.told(MessageRefused)
        assert refused.reply.startswith(expected)
        assert refused.recipients == ("anna@example.com",)
    assert len(server.told(InternalError)) == (0 if error is NOT_NOW else 1)
    assert delivery.steps.count("abort") == (step in ("recipient", "write"))


@pytest.mark.parametrize("at", ["begin", "recipient", "write", "commit"])
def test_the_connection_is_lost_while_a_step_waits(
    delivery: ByHand, server: Server, client: Connection, at: str
) -> None:
    client.say(BEGUN + b"DATA\r\n" + MESSAGE + b".\r\nQUIT\r\n")
    for name in ("begin", "recipient", "write", "commit"):
        if name == at:
            client.lose()
        delivery.answer(name)
        if name == at:
            break
    assert delivery.asked == []
    assert delivery.steps.count("abort") == (at != "commit")
    assert delivery.steps[-1] == ("commit" if at == "commit" else "abort")
    assert client.transport.take().count(b"stored as") == 0
    server.check_clean()


def test_chunks_wait_for_each_step(delivery: ByHand, client: Connection) -> None:
    client.say(BEGUN + b"BDAT 4\r\nab\r\nBDAT 0\r\nBDAT 2 LAST\r\ncdNOOP\r\n")
    delivery.answer("begin")
    delivery.answer("recipient")
    assert answered(client) == ["250 2.1.0", "250 2.1.5"]
    delivery.answer("write")
    assert answered(client) == ["250 2.0.0", "250 2.0.0"]
    delivery.answer("write")
    assert answered(client) == []
    delivery.answer("write")  # the end of its last line
    assert answered(client) == []
    delivery.answer("commit")
    assert answered(client) == ["250 2.0.0", "250 2.0.0"]
    assert delivery.octets == b"ab\r\ncd\r\n"


@pytest.mark.parametrize("waits", [True, False], ids=["waits", "at once"])
def test_a_chunk_that_cannot_be_written_is_refused(waits: bool) -> None:
    delivery = ByHand(waits=waits)
    delivery.answers = {"write": NOT_NOW}
    server = Server(delivery=delivery)
    client = server.connect()
    client.say(GREETED)
    client.protocol.dataReceived(BEGUN + b"BDAT 1\r\naBDAT 1\r\nbBDAT 1 LAST\r\ncNOOP\r\n")
    if waits:
        delivery.answer("begin")
        delivery.answer("recipient")
        delivery.answer("write", NOT_NOW)
    assert answered(client)[2:] == ["450 4.2.1"] * 3 + ["250 2.0.0"]
    assert delivery.steps.count("write") == delivery.steps.count("abort") == 1
    assert len(server.told(MessageRefused)) == 1, "told once"


@pytest.mark.parametrize("end", ["lost", "reset", "ehlo"])
def test_chunks_that_are_given_up(end: str) -> None:
    delivery = ByHand(waits=False)
    server = Server(delivery=delivery)
    client = server.connect()
    client.say(GREETED + BEGUN + b"BDAT 1\r\na")
    if end == "lost":
        client.say(b"BDAT 10 LAST\r\nb")
        client.lose()
    else:
        client.say(b"RSET\r\n" if end == "reset" else GREETED)
    assert delivery.steps[-1] == "abort"
    assert "commit" not in delivery.steps


def test_recipient_refused_is_told(delivery: ByHand, server: Server, client: Connection) -> None:
    client.say(BEGUN)
    delivery.answer("begin")
    delivery.answer("recipient", NOT_NOW)
    (event,) = server.told(RecipientRefused)
    assert event.sender == "sender@client.example"
    assert event.recipient == "anna@example.com"
    assert event.reply == "450 4.2.1 not now"
    assert event.client is client.protocol.client


# Shutting down -------------------------------------------------------------------------------


def test_a_commit_under_way_is_answered_before_the_end(
    delivery: ByHand, server: Server, client: Connection
) -> None:
    client.say(BEGUN + b"DATA\r\n" + MESSAGE + b".\r\nNOOP\r\n")
    for name in ("begin", "recipient", "write"):
        delivery.answer(name)
    client.transport.clear()
    gone = server.factory.wind_down()
    assert client.transport.take() == b""
    delivery.answer("commit")
    assert answered(client) == ["250 2.0.0", "421 4.3.2"]
    assert client.transport.disconnecting
    client.lose()
    assert gone.called
    assert "abort" not in delivery.steps


@pytest.mark.parametrize("waits", [True, False], ids=["waits", "at once"])
@pytest.mark.parametrize("command", [b"DATA\r\n", b"BDAT 100 LAST\r\n"])
def test_a_message_half_sent_is_given_up(waits: bool, command: bytes) -> None:
    delivery = ByHand(waits=waits)
    server = Server(delivery=delivery)
    client = server.connect()
    client.say(GREETED + BEGUN + command + MESSAGE)
    if waits:
        delivery.answer("begin")
        delivery.answer("recipient")
    client.transport.clear()
    server.factory.wind_down()
    if waits:
        delivery.answer("write")
    assert answered(client) == ["421 4.3.2"]
    client.protocol.dataReceived(b".\r\n")
    client.lose()
    assert delivery.steps[-1] == "abort"
    assert "commit" not in delivery.steps
