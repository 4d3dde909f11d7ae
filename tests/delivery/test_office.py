"""The built-in delivery, with a directory and a store in memory."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from gateway.delivery.interfaces import IDelivery, ITransaction, OutcomeUnknown, Refused
from gateway.delivery.office import OfficeDelivery
from gateway.events import Event, EventStream, MessageStored, Trouble
from gateway.store.interfaces import OutcomeUnknown as NotKnown
from gateway.store.interfaces import StorageFull, StoreError
from tests.delivery.parts import ENTRIES, MemoryDirectory, MemoryStore, envelope

MESSAGE = b"Subject: hello\r\n\r\n.dot\r\n"
UTF8_MESSAGE = "Subject: Gr\u00fc\u00dfe\r\n\r\ntext\r\n".encode()


class Office:
    """A delivery with all that it needs."""

    def __init__(self, slow: bool = False) -> None:
        self.clock = Clock()
        clock = self.clock if slow else None
        self.directory = MemoryDirectory(ENTRIES, clock)
        self.store = MemoryStore(clock)
        self.events: list[Event] = []
        self.delivery = OfficeDelivery(
            self.directory,
            self.store,
            hostname="mail.example.com",
            first_user=self.directory.first_user,
            events=EventStream(self.events.append),
        )

    def wait(self, result: Any) -> Any:
        """Give a value, or raise, once it is there."""
        if not isinstance(result, Deferred):
            return result
        results: list[Any] = []
        result.addBoth(results.append)
        for _ in range(60):
            self.clock.advance(1)
        assert len(results) == 1
        if isinstance(results[0], Failure):
            results[0].raiseException()
        return results[0]

    def begin(self, **values: Any) -> Any:
        return self.delivery.begin(envelope(**values))

    def deliver(self, recipients: list[str], *blocks: bytes, **values: Any) -> Any:
        given = envelope(**values)
        transaction = self.delivery.begin(given)
        for recipient in recipients:
            assert self.wait(transaction.recipient(recipient)) is None
            given.recipients.append(recipient)
        for block in blocks:
            assert self.wait(transaction.write(block)) is None
        assert self.wait(transaction.commit()) is None
        return transaction

    def told(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture(params=[False, True], ids=["at once", "slow"])
def office(request: pytest.FixtureRequest) -> Office:
    return Office(slow=request.param)


def test_nobody_knows_whether_it_is_stored(office: Office) -> None:
    office.store.fail_commit = NotKnown("it died")
    with pytest.raises(OutcomeUnknown):
        office.deliver(["anna@example.com"], MESSAGE)
    assert [trouble.what for trouble in office.told(Trouble)] == ["it died"]
    assert not office.told(MessageStored)


def refusal(office: Office, call: Any) -> str:
    with pytest.raises(Refused) as refused:
        office.wait(call())
    return f"{refused.value.reply.code} {refused.value.reply.enhanced}"


def write(office: Office, transaction: Any, octets: bytes) -> None:
    """Write, and do what has to be done where that is refused."""
    try:
        office.wait(transaction.write(octets))
    except Refused:
        transaction.abort()
        raise


def test_interfaces(office: Office) -> None:
    assert verifyObject(IDelivery, office.delivery)
    assert verifyObject(ITransaction, office.delivery.begin(envelope()))


def test_nothing_waits_where_nothing_has_to() -> None:
    transaction = Office().delivery.begin(envelope())
    assert transaction.recipient("anna@example.com") is None
    assert transaction.write(MESSAGE) is None


def test_single_recipient(office: Office) -> None:
    office.deliver(["Anna@Example.com"], MESSAGE[:5], MESSAGE[5:])
    (stored,) = office.store.mailboxes["anna@example.com"]
    assert stored.startswith(b"Return-Path: <sender@client.example>\r\nDelivered-To: anna@exa")
    assert b"\tfor <Anna@Example.com>;" in stored
    assert stored.endswith(b"+0000\r\n" + MESSAGE)
    (event,) = office.told(MessageStored)
    assert event.id == "abc.1"
    assert event.recipients == ("Anna@Example.com",)
    assert event.copies == (("anna@example.com", "uidl-1"),)
    assert event.octets == len(stored)


@pytest.mark.parametrize(
    "recipients",
    [
        ["anna@example.com", "bert@example.com"],
        ["sales@example.com"],
        ["sales@example.com", "anna+x@example.com", "postmaster"],
    ],
)
def test_several_mailboxes_get_the_same_octets_that_name_nobody(
    office: Office, recipients: list[str]
) -> None:
    office.deliver(recipients, MESSAGE)
    (anna,) = office.store.mailboxes["anna@example.com"]
    (bert,) = office.store.mailboxes["bert@example.com"]
    assert anna == bert
    assert b"anna" not in anna
    assert b"bert" not in anna
    assert office.store.begun == 1


def test_two_names_of_one_mailbox_are_stored_once_and_not_named(office: Office) -> None:
    office.deliver(["anna@example.com", "anna+blind@example.com"], MESSAGE)
    (stored,) = office.store.mailboxes["anna@example.com"]
    assert b"anna" not in stored


def test_a_refused_recipient_leaves_the_others(office: Office) -> None:
    transaction = office.delivery.begin(envelope())
    office.wait(transaction.recipient("anna@example.com"))
    assert refusal(office, lambda: transaction.recipient("nobody@example.com")) == "550 5.1.1"
    office.wait(transaction.write(MESSAGE))
    office.wait(transaction.commit())
    assert list(office.store.mailboxes) == ["anna@example.com"]


def test_empty_message(office: Office) -> None:
    office.deliver(["anna@example.com"])
    (stored,) = office.store.mailboxes["anna@example.com"]
    assert stored.endswith(b"+0000\r\n")


def test_attributes(office: Office) -> None:
    office.deliver(["anna@example.com"], UTF8_MESSAGE, smtputf8=True, requiretls=True)
    (attributes,) = office.store.attributes
    assert attributes.smtputf8
    assert attributes.requiretls


@pytest.mark.parametrize(
    ("message", "values", "expected"),
    [
        (UTF8_MESSAGE, {"smtputf8": True}, True),
        (UTF8_MESSAGE, {}, False),
        (MESSAGE + "Gr\u00fc\u00dfe\r\n".encode(), {"smtputf8": True}, False),
        (b"no header\r\n", {"smtputf8": True}, False),
        ("\u00fc\r\n".encode(), {"smtputf8": True}, True),
        (b"", {"smtputf8": True}, False),
        (MESSAGE, {"smtputf8": True, "sender": "j\u00f6rg@client.example"}, True),
        (b"", {"smtputf8": True, "sender": "j\u00f6rg@client.example"}, True),
        (b"X: " + b"x" * 20_000 + b"\r\n", {"smtputf8": True}, True),
    ],
)
def test_smtputf8_is_marked_only_where_the_header_needs_it(
    office: Office, message: bytes, values: dict[str, Any], expected: bool
) -> None:
    one_by_one = [message[at : at + 1] for at in range(len(message))][:500]
    rest = message[500:]
    for blocks in ((message,), (*one_by_one, rest)):
        office.store.attributes.clear()
        office.deliver(["anna@example.com"], *blocks, **values)
        (attributes,) = office.store.attributes
        assert attributes.smtputf8 is expected
        stored = office.store.mailboxes["anna@example.com"][-1]
        assert stored.partition(b" +0000\r\n")[2] == message


def test_abort(office: Office) -> None:
    transaction = office.delivery.begin(envelope())
    office.wait(transaction.recipient("anna@example.com"))
    office.wait(transaction.write(MESSAGE))
    transaction.abort()
    transaction.abort()
    assert office.store.aborted == 1
    assert not office.store.mailboxes
    office.delivery.begin(envelope()).abort()
    assert office.store.begun == 1


def test_abort_after_commit_does_nothing(office: Office) -> None:
    office.deliver(["anna@example.com"], MESSAGE).abort()
    assert office.store.aborted == 0


# Loops ---------------------------------------------------------------------------------------


def test_what_was_delivered_here_before_is_refused_for_the_same_mailbox(office: Office) -> None:
    office.deliver(["anna@example.com"], MESSAGE)
    (again,) = office.store.mailboxes["anna@example.com"]
    transaction = office.delivery.begin(envelope())
    office.wait(transaction.recipient("anna@example.com"))
    assert refusal(office, lambda: transaction.write(again)) == "554 5.4.6"
    office.deliver(["bert@example.com"], again)
    assert len(office.store.mailboxes["bert@example.com"]) == 1


@pytest.mark.parametrize(("count", "refused"), [(50, False), (51, True)])
@pytest.mark.parametrize("body", [b"", b"\r\nbody\r\n"])
def test_too_many_received(office: Office, count: int, refused: bool, body: bytes) -> None:
    message = b"Received: from a by b\r\n" * count + body
    transaction = office.delivery.begin(envelope())
    office.wait(transaction.recipient("anna@example.com"))

    def rest() -> Any:
        write(office, transaction, message)
        return transaction.commit()

    if refused:
        assert refusal(office, rest) == "554 5.4.6"
        assert office.store.begun == office.store.aborted
    else:
        office.wait(rest())
        assert office.store.mailboxes


# Trouble -------------------------------------------------------------------------------------


def test_directory_unavailable(office: Office) -> None:
    office.directory.available = False
    transaction = office.delivery.begin(envelope())
    assert refusal(office, lambda: transaction.recipient("anna@example.com")) == "451 4.3.0"
    assert office.told(Trouble) == [Trouble("directory", "the database has gone")]


@pytest.mark.parametrize(
    ("error", "reply"),
    [(StoreError("I/O error"), "451 4.3.0"), (StorageFull("disk full"), "452 4.3.1")],
)
@pytest.mark.parametrize("when", ["write", "commit", "empty"])
def test_store_fails(office: Office, error: StoreError, reply: str, when: str) -> None:
    if when == "commit":
        office.store.fail_commit = error
    else:
        office.store.fail_write = error
    transaction = office.delivery.begin(envelope())
    office.wait(transaction.recipient("anna@example.com"))

    def rest() -> Any:
        if when != "empty":
            write(office, transaction, MESSAGE)
        return transaction.commit()

    assert refusal(office, rest) == reply
    assert office.told(Trouble) == [Trouble("store", str(error))]
    assert office.store.aborted == (0 if when == "commit" else 1)
    assert not office.store.mailboxes
    assert not office.told(MessageStored)


def test_a_defect_is_not_taken_for_a_refusal(office: Office) -> None:
    office.store.fail_commit = ZeroDivisionError("a defect")
    with pytest.raises(ZeroDivisionError):
        office.deliver(["anna@example.com"], MESSAGE)
