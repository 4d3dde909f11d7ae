"""The tests that every `IMailStore` has to pass.

A kind of store has one test module that subclasses the classes below and provides the fixture
`place`: a `Place`, empty at first.
"""

from __future__ import annotations

import math
import random
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from gateway.client import Client
from gateway.store.interfaces import (
    IKeepingAdministration,
    IKeepingMaildrop,
    IMaildrop,
    IMailStore,
    IMessageReader,
    IMessageWriter,
    IStoreAdministration,
    MaildropInUse,
    MessageAttributes,
    MessageGone,
    StoredCopy,
    StoreError,
    Usage,
)
from tests.splits import all_ways

ANNA = "anna@example.com"
BERT = "bert@example.org"

MESSAGES = {
    "plain": b"Subject: hello\r\n\r\nHow are you?\r\n",
    "empty": b"",
    "one empty line": b"\r\n",
    "empty lines": b"\r\n" * 1000,
    "no header": b"\r\nonly a body\r\n",
    "8-bit": bytes(octet for octet in range(1, 256) if octet not in b"\r\n") + b"\r\n",
    "NUL": b"a\0b\r\n\0\r\n",
    "dots": b".\r\n..\r\n.a\r\n\r\n.\r\nend.\r\n",
    "bare CR": b"a\rb\r\n\rc\r\n",
    "From": b"From here\r\n>From there\r\n",
    "long line": b"x" * 1_000_000 + b"\r\n",
    "line ends at 64 KiB": b"y" * 65_535 + b"\r\n" + b"z" * 65_534 + b"\r\n",
    "many lines": b"".join(b"line %d\r\n" % number for number in range(60_000)),
    "only line ends, 300 KB": b"\r\n" * 150_000,
}
"""Awkward messages, in canonical form."""


class Place(ABC):
    """Where a store is put to the test."""

    clock: Clock
    """The store's time for waiting."""
    store: Any
    """An `IMailStore`. Blocking calls of it run at once, on the calling thread."""
    administration: Any
    """An `IStoreAdministration` of the same mail."""

    @abstractmethod
    def restart(self) -> None:
        """Replace `store` by one over the same mail, as after a restart of the gateway."""

    @abstractmethod
    def another(self) -> Any:
        """Return a second store over the same mail, as another process would have it."""

    @abstractmethod
    def remove_behind_its_back(self, mailbox: str, index: int) -> None:
        """Take a message away, as another program might."""


def client(host: str = "192.0.2.7") -> Client:
    return Client("pop3", host)


def result(deferred: Any) -> Any:
    """Return what a Deferred has fired with, raise what it has failed with."""
    if not isinstance(deferred, Deferred):
        return deferred
    results: list[Any] = []
    deferred.addBoth(results.append)
    assert results, "it has not fired"
    if hasattr(results[0], "raiseException"):
        results[0].raiseException()
    return results[0]


def deliver(
    store: Any,
    blocks: bytes | Iterable[bytes],
    *mailboxes: str,
    attributes: MessageAttributes | None = None,
) -> list[StoredCopy]:
    """Store a message."""
    writer = store.begin_delivery(attributes or MessageAttributes())
    for block in (blocks,) if isinstance(blocks, bytes) else blocks:
        result(writer.write(block))
    copies: list[StoredCopy] = result(writer.commit(mailboxes or (ANNA,)))
    return copies


def read_all(maildrop: Any, index: int) -> bytes:
    """Read a message, and check what a reader promises."""
    reader = result(maildrop.open_message(index))
    verifyObject(IMessageReader, reader)
    blocks = []
    while block := result(reader.read()):
        assert len(block) <= 131_072
        blocks.append(block)
    assert result(reader.read()) == b""
    reader.close()
    reader.close()
    octets = b"".join(blocks)
    assert len(octets) == maildrop.snapshot.sizes[index]
    return octets


def opened(store: Any, mailbox: str = ANNA, by: Client | None = None) -> Any:
    return result(store.open_maildrop(mailbox, by or client()))


def contents(store: Any, mailbox: str = ANNA) -> list[bytes]:
    """Read all messages of a mailbox in a session of its own."""
    maildrop = opened(store, mailbox)
    messages = [read_all(maildrop, index) for index in range(len(maildrop.snapshot))]
    maildrop.release()
    return messages


def uidls(store: Any, mailbox: str = ANNA) -> list[str]:
    maildrop = opened(store, mailbox)
    maildrop.release()
    return list(maildrop.snapshot.uidls)


class DeliveryConformance:
    """Messages come in and are there."""

    def test_interfaces(self, place: Place) -> None:
        verifyObject(IMailStore, place.store)
        verifyObject(IStoreAdministration, place.administration)
        verifyObject(IMessageWriter, place.store.begin_delivery(MessageAttributes()))
        verifyObject(IMaildrop, opened(place.store))
        assert place.store.kind and isinstance(place.store.kind, str)

    @pytest.mark.parametrize("octets", MESSAGES.values(), ids=MESSAGES.keys())
    def test_round_trip(self, place: Place, octets: bytes) -> None:
        copies = deliver(place.store, octets)
        assert [copy.mailbox for copy in copies] == [ANNA]
        assert contents(place.store) == [octets]
        place.restart()
        assert contents(place.store) == [octets]
        assert uidls(place.store) == [copies[0].uidl]

    @pytest.mark.parametrize("name", ["plain", "empty", "dots", "bare CR", "8-bit"])
    def test_split_anywhere(self, place: Place, name: str) -> None:
        ways = [[b"", *blocks] for blocks in all_ways(MESSAGES[name])]
        for blocks in ways:
            deliver(place.store, blocks)
        assert contents(place.store) == [MESSAGES[name]] * len(ways)

    def test_big_in_random_blocks(self, place: Place) -> None:
        source = random.Random(5)
        octets = b"".join(
            source.randbytes(source.randint(0, 900)).translate(None, b"\r\n") + b"\r\n"
            for _ in range(6000)
        )
        blocks, at = [], 0
        while at < len(octets):
            length = source.choice((1, 500, 10_000, 65_536))
            blocks.append(octets[at : at + length])
            at += length
        deliver(place.store, blocks)
        assert contents(place.store) == [octets]

    def test_octets_written(self, place: Place) -> None:
        writer = place.store.begin_delivery(MessageAttributes())
        assert writer.octets == 0
        result(writer.write(b"a\r\n"))
        result(writer.write(b"x" * 100_000))
        assert writer.octets == 100_003
        writer.abort()

    def test_unfinished_line_is_ended(self, place: Place) -> None:
        deliver(place.store, b"a\r\nno end")
        assert contents(place.store) == [b"a\r\nno end\r\n"]

    def test_many_recipients(self, place: Place) -> None:
        mailboxes = [f"user{number}@example.com" for number in range(40)]
        copies = deliver(place.store, MESSAGES["plain"], *mailboxes)
        assert [copy.mailbox for copy in copies] == mailboxes
        for copy in copies:
            assert contents(place.store, copy.mailbox) == [MESSAGES["plain"]]
            assert uidls(place.store, copy.mailbox) == [copy.uidl]

    def test_nothing_before_commit(self, place: Place) -> None:
        for octets in (b"small\r\n", b"big" * 100_000 + b"\r\n"):
            writer = place.store.begin_delivery(MessageAttributes())
            result(writer.write(octets))
            assert contents(place.store) == []
            writer.abort()

    @pytest.mark.parametrize("octets", [b"small\r\n", b"big" * 100_000 + b"\r\n", b""])
    def test_abort(self, place: Place, octets: bytes) -> None:
        writer = place.store.begin_delivery(MessageAttributes())
        result(writer.write(octets))
        writer.abort()
        writer.abort()
        assert contents(place.store) == []

    def test_abort_after_commit_does_nothing(self, place: Place) -> None:
        writer = place.store.begin_delivery(MessageAttributes())
        result(writer.write(b"a\r\n"))
        result(writer.commit((ANNA,)))
        writer.abort()
        assert contents(place.store) == [b"a\r\n"]

    def test_commit_to_nobody(self, place: Place) -> None:
        assert result(place.store.begin_delivery(MessageAttributes()).commit(())) == []

    def test_order_of_arrival(self, place: Place) -> None:
        octets = [b"%d\r\n" % number for number in range(150)]
        for message in octets:
            deliver(place.store, message)
        assert contents(place.store) == octets
        place.restart()
        deliver(place.store, b"later\r\n")
        assert contents(place.store) == [*octets, b"later\r\n"]

    def test_order_follows_the_given_time(self, place: Place) -> None:
        for message, arrived in (
            (b"3\r\n", 3e8),
            (b"1\r\n", 1e8),
            (b"4\r\n", 0.0),
            (b"2\r\n", 2e8),
        ):
            deliver(place.store, message, attributes=MessageAttributes(arrived=arrived))
        assert contents(place.store) == [b"1\r\n", b"2\r\n", b"3\r\n", b"4\r\n"]

    def test_mailboxes_never_meet(self, place: Place) -> None:
        names = [
            "a@example.com",
            "a/b@example.com",
            "a%2Fb@example.com",
            "a%2fb@example.com",
            ".@example.com",
            "..@example.com",
            "...@example.com",
            ".a@example.com",
            "%2Ea@example.com",
            "@example.com",
            "a@",
            "a",
            "a@b@example.com",
            "../example.org/a@example.com",
            "a\0b@example.com",
            'x" y@example.com',
            "jürgen@exämple.com",
            "new@example.com",
            "cur@example.com",
            "tmp@example.com",
            "a@.example.com",
            "~a@example.com",
            "a\nb@example.com",
            "a\\b@example.com",
        ]
        for number, name in enumerate(names):
            deliver(place.store, b"%d\r\n" % number, name)
        for number, name in enumerate(names):
            assert contents(place.store, name) == [b"%d\r\n" % number], name
            assert place.administration.usage(name).messages == 1
        assert place.administration.mailboxes() == sorted(names)

    def test_uidls_are_unique_and_stay(self, place: Place) -> None:
        given = [copy.uidl for _ in range(50) for copy in deliver(place.store, b"same\r\n")]
        assert len(set(given)) == 50
        for uidl in given:
            assert 1 <= len(uidl) <= 70
            assert all("\x21" <= character <= "\x7e" for character in uidl)
        assert uidls(place.store) == given
        place.restart()
        assert uidls(place.store) == given
        maildrop = opened(place.store)
        result(maildrop.commit([0, 2, 49]))
        maildrop.release()
        left = [uidl for index, uidl in enumerate(given) if index not in (0, 2, 49)]
        assert uidls(place.store) == left
        place.restart()
        assert uidls(place.store) == left
        assert deliver(place.store, b"same\r\n")[0].uidl not in given


class UsageConformance:
    """What a quota is told."""

    def test_nothing(self, place: Place) -> None:
        assert result(place.store.usage(ANNA)) == Usage(0, 0)
        assert result(place.store.usage("@example.com", True)) == Usage(0, 0)

    def test_what_was_delivered_counts_at_once(self, place: Place) -> None:
        for number in range(1, 4):
            deliver(place.store, b"line\r\n" * number)
            assert result(place.store.usage(ANNA)) == Usage(number, 3 * number * (number + 1))
            assert result(place.store.usage(ANNA, True)) == Usage(number, 3 * number * (number + 1))
        assert result(place.store.usage(BERT)) == Usage(0, 0)

    def test_of_a_domain(self, place: Place) -> None:
        deliver(place.store, b"one\r\n", ANNA, "carl@example.com", BERT)
        assert result(place.store.usage("@example.com")) == Usage(2, 10)
        deliver(place.store, b"two\r\n")
        assert result(place.store.usage("@example.com")) == Usage(3, 15)
        assert result(place.store.usage("@example.org")) == Usage(1, 5)
        assert result(place.store.usage("@ample.com")) == Usage(0, 0)

    def test_the_same_as_the_snapshot(self, place: Place) -> None:
        for message in MESSAGES.values():
            deliver(place.store, message)
        snapshot = opened(place.store).snapshot
        assert result(place.store.usage(ANNA)) == Usage(len(snapshot), snapshot.octets)

    def test_what_was_deleted_counts_no_more(self, place: Place) -> None:
        deliver(place.store, b"one\r\n")
        deliver(place.store, b"three\r\n")
        assert result(place.store.usage(ANNA)) == Usage(2, 12)
        maildrop = opened(place.store)
        assert result(maildrop.commit([1])) == []
        maildrop.release()
        assert result(place.store.usage(ANNA, True)) == Usage(1, 5)
        assert result(place.store.usage("@example.com", True)) == Usage(1, 5)

    def test_what_another_process_delivered(self, place: Place) -> None:
        other = place.another()
        assert result(place.store.usage(ANNA)) == Usage(0, 0)
        deliver(other, b"one\r\n")
        assert result(place.store.usage(ANNA, True)) == Usage(1, 5)
        assert result(other.usage(ANNA)) == Usage(1, 5)


class AttributesConformance:
    """What a message carries comes back."""

    def test_round_trip(self, place: Place) -> None:
        given = [
            MessageAttributes(arrived=1e9 + number, uidl=f"old-{number}", **flags)
            for number, flags in enumerate(
                [
                    {},
                    {"smtputf8": True},
                    {"requiretls": True},
                    {"smtputf8": True, "requiretls": True},
                ]
            )
        ]
        for attributes in given:
            (copy,) = deliver(place.store, b"a\r\n", attributes=attributes)
            assert copy.uidl == attributes.uidl
        for _ in range(2):
            maildrop = opened(place.store)
            assert [maildrop.attributes(index) for index in range(4)] == given
            assert list(maildrop.snapshot.uidls) == [a.uidl for a in given]
            assert list(maildrop.snapshot.smtputf8) == [1, 3]
            maildrop.release()
            place.restart()

    def test_time_of_commit_by_default(self, place: Place) -> None:
        deliver(place.store, b"a\r\n")
        deliver(place.store, b"b\r\n", attributes=MessageAttributes(smtputf8=True))
        maildrop = opened(place.store)
        first, second = maildrop.attributes(0), maildrop.attributes(1)
        assert 1.6e9 < first.arrived < second.arrived
        assert first == MessageAttributes(arrived=first.arrived)
        assert second == MessageAttributes(arrived=second.arrived, smtputf8=True)

    def test_several_mailboxes_get_them(self, place: Place) -> None:
        given = MessageAttributes(arrived=5.0, uidl="kept", smtputf8=True)
        deliver(place.store, b"a\r\n", ANNA, BERT, attributes=given)
        for mailbox in (ANNA, BERT):
            assert opened(place.store, mailbox).attributes(0) == given

    def test_a_taken_uidl_is_not_given_twice(self, place: Place) -> None:
        attributes = MessageAttributes(uidl="same")
        for message in (b"1\r\n", b"2\r\n", b"3\r\n"):
            deliver(place.store, message, attributes=attributes)
        before = uidls(place.store)
        assert before[0] == "same"
        assert len(set(before)) == 3
        maildrop = opened(place.store)
        result(maildrop.commit([0]))
        maildrop.release()
        assert uidls(place.store) == before[1:]
        place.restart()
        assert uidls(place.store) == before[1:]

    @pytest.mark.parametrize("uidl", ["", "a b", "x" * 71, "ä", "a\n"])
    def test_impossible_uidl_is_refused(self, place: Place, uidl: str) -> None:
        with pytest.raises(StoreError, match="unique-id"):
            deliver(place.store, b"a\r\n", attributes=MessageAttributes(uidl=uidl))
        assert contents(place.store) == []


class MaildropConformance:
    """One session holds a maildrop, and what it sees and does."""

    def test_empty(self, place: Place) -> None:
        maildrop = opened(place.store, "nobody.yet@example.com")
        assert maildrop.mailbox == "nobody.yet@example.com"
        assert len(maildrop.snapshot) == maildrop.snapshot.octets == 0

    def test_snapshot_does_not_change(self, place: Place) -> None:
        deliver(place.store, b"1\r\n")
        maildrop = opened(place.store)
        snapshot = maildrop.snapshot
        deliver(place.store, b"22\r\n")
        assert maildrop.snapshot is snapshot
        assert list(snapshot.sizes) == [3]
        maildrop.release()
        assert list(opened(place.store).snapshot.sizes) == [3, 4]

    def test_snapshot_adds_up(self, place: Place) -> None:
        for length in (10, 70_000, 3):
            deliver(place.store, b"x" * length + b"\r\n")
        snapshot = opened(place.store).snapshot
        assert list(snapshot.sizes) == [12, 70_002, 5]
        assert snapshot.octets == 70_019

    def test_readers_side_by_side(self, place: Place) -> None:
        octets = [bytes([65 + number]) * 200_000 + b"\r\n" for number in range(3)]
        for message in octets:
            deliver(place.store, message)
        maildrop = opened(place.store)
        readers = [result(maildrop.open_message(index)) for index in range(3)]
        parts = [b"", b"", b""]
        for _ in range(20):
            for index, reader in enumerate(readers):
                parts[index] += result(reader.read())
        assert parts == octets

    def test_reader_closed_early(self, place: Place) -> None:
        deliver(place.store, b"x" * 300_000 + b"\r\n")
        maildrop = opened(place.store)
        reader = result(maildrop.open_message(0))
        result(reader.read())
        reader.close()
        reader.close()
        assert len(read_all(maildrop, 0)) == 300_002

    def test_delete(self, place: Place) -> None:
        octets = [b"%d\r\n" % number for number in range(6)]
        for message in octets:
            deliver(place.store, message)
        maildrop = opened(place.store)
        assert result(maildrop.commit([1, 2, 5])) == []
        maildrop.release()
        assert contents(place.store) == [b"0\r\n", b"3\r\n", b"4\r\n"]
        place.restart()
        assert contents(place.store) == [b"0\r\n", b"3\r\n", b"4\r\n"]

    def test_delete_nothing(self, place: Place) -> None:
        deliver(place.store, b"a\r\n")
        maildrop = opened(place.store)
        assert result(maildrop.commit([])) == []
        maildrop.release()
        assert contents(place.store) == [b"a\r\n"]

    def test_release_deletes_nothing(self, place: Place) -> None:
        deliver(place.store, b"a\r\n")
        maildrop = opened(place.store)
        maildrop.release()
        maildrop.release()
        assert contents(place.store) == [b"a\r\n"]

    def test_what_came_meanwhile_stays(self, place: Place) -> None:
        deliver(place.store, b"1\r\n")
        maildrop = opened(place.store)
        deliver(place.store, b"2\r\n")
        assert result(maildrop.commit([0])) == []
        maildrop.release()
        assert contents(place.store) == [b"2\r\n"]

    def test_gone(self, place: Place) -> None:
        for message in (b"1\r\n", b"2\r\n", b"3\r\n"):
            deliver(place.store, message)
        maildrop = opened(place.store)
        place.remove_behind_its_back(ANNA, 1)
        with pytest.raises(MessageGone):
            result(maildrop.open_message(1))
        assert read_all(maildrop, 0) == b"1\r\n"
        assert read_all(maildrop, 2) == b"3\r\n"
        assert result(maildrop.commit([1, 2])) == []
        maildrop.release()
        assert contents(place.store) == [b"1\r\n"]


class KeepingConformance:
    """Deleted messages that are kept for a while, or for ever."""

    def three(self, place: Place) -> list[str]:
        """Deliver three messages, the second with attributes; return their unique-ids."""
        given = MessageAttributes(arrived=1e9, uidl="given", smtputf8=True)
        deliver(place.store, b"Subject: 0\r\n\r\nzero\r\n", attributes=given)
        deliver(place.store, b"Subject: 1\r\n\r\none\r\n")
        deliver(place.store, b"Subject: 2\r\n\r\ntwo\r\n")
        return uidls(place.store)

    def set_aside(self, place: Place, deleted: list[int], until: float) -> None:
        maildrop = opened(place.store)
        assert verifyObject(IKeepingMaildrop, maildrop)
        assert result(maildrop.set_aside(deleted, until)) == []
        maildrop.release()

    def test_nobody_sees_them(self, place: Place) -> None:
        before = self.three(place)
        self.set_aside(place, [0, 2], 2e9)
        for _ in range(2):
            assert uidls(place.store) == before[1:2]
            assert place.administration.usage(ANNA).messages == 1
            place.restart()

    def test_nothing(self, place: Place) -> None:
        before = self.three(place)
        self.set_aside(place, [], 2e9)
        assert uidls(place.store) == before
        assert verifyObject(IKeepingAdministration, place.administration)
        assert place.administration.deleted(BERT) == []
        assert place.administration.undelete(BERT, before) == []
        assert place.administration.remove_overdue(BERT, 3e9, 10) == 0

    def test_they_are_listed(self, place: Place) -> None:
        before = self.three(place)
        self.set_aside(place, [2], math.inf)
        self.set_aside(place, [0], 2e9)
        first, last = place.administration.deleted(ANNA)
        assert (first.uidl, last.uidl) == (before[0], before[2])
        assert first.arrived == 1e9
        assert last.arrived > 1.6e9
        assert (first.header, last.header) == (b"Subject: 0", b"Subject: 2")
        assert (first.octets, last.octets) == (20, 19)
        assert 2e9 <= first.until <= 2e9 + 86_400
        assert last.until == math.inf

    def test_they_come_back_as_they_were(self, place: Place) -> None:
        before = self.three(place)
        whole = contents(place.store)
        self.set_aside(place, [0, 1], 2e9)
        deliver(place.store, b"later\r\n")
        place.restart()
        assert place.administration.undelete(ANNA, [before[0], "unknown"]) == before[:1]
        assert uidls(place.store)[:2] == [before[0], before[2]]
        assert place.administration.undelete(ANNA, before) == before[1:2]
        assert uidls(place.store)[:3] == before
        assert contents(place.store)[:3] == whole
        maildrop = opened(place.store)
        assert maildrop.attributes(0) == MessageAttributes(1e9, "given", smtputf8=True)
        assert place.administration.deleted(ANNA) == []

    def test_overdue_ones_go_in_portions(self, place: Place) -> None:
        before = self.three(place)
        self.set_aside(place, [0, 1], 1e9)
        self.set_aside(place, [0], 2e9)
        assert place.administration.remove_overdue(ANNA, 0.9e9, 10) == 0
        assert place.administration.remove_overdue(ANNA, 1.9e9, 1) == 1
        assert place.administration.remove_overdue(ANNA, 1.9e9, 10) == 1
        assert place.administration.remove_overdue(ANNA, 1.9e9, 10) == 0
        assert [message.uidl for message in place.administration.deleted(ANNA)] == [before[2]]
        assert place.administration.undelete(ANNA, before) == [before[2]]

    def test_for_ever_is_never_over(self, place: Place) -> None:
        before = self.three(place)
        self.set_aside(place, [1], math.inf)
        assert place.administration.remove_overdue(ANNA, 1e12, 10) == 0
        assert place.administration.undelete(ANNA, before) == before[1:2]

    def test_one_that_is_gone(self, place: Place) -> None:
        before = self.three(place)
        maildrop = opened(place.store)
        place.remove_behind_its_back(ANNA, 1)
        assert result(maildrop.set_aside([1, 2], 2e9)) == []
        maildrop.release()
        assert uidls(place.store) == before[:1]

    def test_purge_takes_them_too(self, place: Place) -> None:
        before = self.three(place)
        self.set_aside(place, [0], math.inf)
        place.administration.purge(ANNA)
        assert place.administration.deleted(ANNA) == []
        assert place.administration.undelete(ANNA, before) == []

    def test_age(self, place: Place) -> None:
        self.three(place)
        maildrop = opened(place.store)
        assert result(maildrop.older_than(0.9e9)) == []
        # Of the first one only the time that it was given with is old.
        assert result(maildrop.older_than(1.1e9)) in ([], [0])
        assert result(maildrop.older_than(1e11)) == [0, 1, 2]
        maildrop.release()


class HoldConformance:
    """Who holds a maildrop, who waits for it, and how it is let go."""

    def test_in_use(self, place: Place) -> None:
        holder = opened(place.store, by=client("198.51.100.1"))
        waiting = place.store.open_maildrop(ANNA, client())
        place.clock.advance(9.9)
        assert not waiting.called
        place.clock.advance(0.2)
        with pytest.raises(MaildropInUse) as caught:
            result(waiting)
        assert caught.value.mailbox == ANNA
        assert caught.value.host == "198.51.100.1"
        assert caught.value.since > 1.6e9
        holder.release()
        opened(place.store)

    def test_in_use_elsewhere(self, place: Place) -> None:
        holder = opened(place.another(), by=client("198.51.100.1"))
        waiting = place.store.open_maildrop(ANNA, client())
        place.clock.pump([0.1] * 99)
        assert not waiting.called
        place.clock.pump([0.1] * 3)
        with pytest.raises(MaildropInUse) as caught:
            result(waiting)
        assert caught.value.host == "198.51.100.1"
        assert caught.value.since > 1.6e9
        holder.release()
        opened(place.store)

    def test_another_mailbox_is_free(self, place: Place) -> None:
        opened(place.store, ANNA)
        opened(place.store, BERT)

    def test_deliveries_go_on(self, place: Place) -> None:
        opened(place.store)
        assert len(deliver(place.store, b"a\r\n")) == 1

    def test_waiting_is_rewarded(self, place: Place) -> None:
        holder = opened(place.store)
        waiting = place.store.open_maildrop(ANNA, client())
        place.clock.advance(5)
        holder.release()
        place.clock.advance(0.2)
        result(waiting).release()

    def test_waiting_for_another_process_is_rewarded(self, place: Place) -> None:
        holder = opened(place.another())
        waiting = place.store.open_maildrop(ANNA, client())
        place.clock.pump([0.1] * 20)
        assert not waiting.called
        holder.release()
        place.clock.pump([0.1] * 10)
        result(waiting).release()

    def test_first_come_first_served(self, place: Place) -> None:
        holder = opened(place.store)
        waiting = [place.store.open_maildrop(ANNA, client()) for _ in range(3)]
        holder.release()
        for turn in range(3):
            place.clock.advance(0.2)
            assert [deferred.called for deferred in waiting[turn:]] == [
                True,
                *[False] * (2 - turn),
            ]
            result(waiting[turn]).release()
        place.clock.advance(0.2)
        opened(place.store)

    def test_released_when_the_client_is_gone(self, place: Place) -> None:
        gone = client()
        gone.connected = False
        with pytest.raises(StoreError):
            opened(place.store, by=gone)
        opened(place.store)

    def test_a_client_that_left_while_it_waited(self, place: Place) -> None:
        holder = opened(place.store)
        impatient, patient = client(), client()
        first = place.store.open_maildrop(ANNA, impatient)
        second = place.store.open_maildrop(ANNA, patient)
        impatient.connected = False
        holder.release()
        place.clock.advance(0.2)
        with pytest.raises(StoreError):
            result(first)
        result(second)

    def test_a_wait_can_be_cancelled(self, place: Place) -> None:
        holder = opened(place.store)
        waiting = place.store.open_maildrop(ANNA, client())
        waiting.addErrback(lambda _: None)
        waiting.cancel()
        holder.release()
        opened(place.store)
        place.clock.advance(20)

    def test_release_while_another_session_holds(self, place: Place) -> None:
        first = opened(place.store)
        first.release()
        second = opened(place.store)
        first.release()
        waiting = place.store.open_maildrop(ANNA, client())
        place.clock.advance(1)
        assert not waiting.called
        second.release()
        place.clock.advance(1)
        result(waiting)


class AdministrationConformance:
    """What the command line asks."""

    def test_usage(self, place: Place) -> None:
        assert place.administration.usage(ANNA) == Usage(0, 0)
        deliver(place.store, b"12345\r\n")
        deliver(place.store, b"x" * 100_000 + b"\r\n", ANNA, BERT)
        assert place.administration.usage(ANNA) == Usage(2, 100_009)
        assert place.administration.usage(BERT) == Usage(1, 100_002)

    def test_usage_while_held(self, place: Place) -> None:
        deliver(place.store, b"1\r\n")
        opened(place.store)
        assert place.administration.usage(ANNA) == Usage(1, 3)

    def test_asking_makes_nothing(self, place: Place) -> None:
        place.administration.usage(ANNA)
        location = place.administration.location(ANNA)
        assert location is None or not location.exists()

    def test_location(self, place: Place) -> None:
        deliver(place.store, b"1\r\n")
        location = place.administration.location(ANNA)
        assert location is None or (location.is_absolute() and location.exists())

    def test_purge(self, place: Place) -> None:
        old = [deliver(place.store, b"%d\r\n" % number, ANNA, BERT) for number in range(3)]
        place.administration.purge(ANNA)
        assert place.administration.usage(ANNA) == Usage(0, 0)
        assert len(contents(place.store, BERT)) == 3
        assert contents(place.store, ANNA) == []
        new = deliver(place.store, b"new\r\n")
        assert new[0].uidl not in [copy.uidl for copies in old for copy in copies]
        assert contents(place.store) == [b"new\r\n"]

    def test_purge_nothing(self, place: Place) -> None:
        place.administration.purge(ANNA)

    def test_purge_while_held(self, place: Place) -> None:
        deliver(place.store, b"1\r\n")
        holder = opened(place.store, by=client("198.51.100.1"))
        with pytest.raises(MaildropInUse) as caught:
            place.administration.purge(ANNA)
        assert caught.value.host == "198.51.100.1"
        holder.release()
        place.administration.purge(ANNA)
        assert contents(place.store) == []
