"""Addresses and the mailboxes that they mean, asked of directories that wait and that do not."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from zope.interface import implementer

from gateway.accounts.interfaces import (
    Alias,
    DirectoryUnavailable,
    IVersionedDirectory,
    User,
)
from gateway.delivery.interfaces import Refused
from gateway.delivery.routing import ALIAS_DEPTH, Router
from gateway.events import Event, EventStream, Trouble
from tests.delivery.parts import ENTRIES, MemoryDirectory

LOCAL_HOST = "198.51.100.5"


class Asked:
    """A router, and what it told."""

    def __init__(
        self, entries: dict[str, User | Alias] = ENTRIES, slow: bool = False, **options: Any
    ) -> None:
        self.clock = Clock()
        self.directory = MemoryDirectory(entries, self.clock if slow else None)
        self.events: list[Event] = []
        self.slow = slow
        self.router = Router(
            self.directory,
            first_user=self.directory.first_user,
            events=EventStream(self.events.append),
            **options,
        )

    def __call__(self, address: str) -> Any:
        routed = self.router.route(address, LOCAL_HOST)
        assert isinstance(routed, Deferred) == self.slow
        if not isinstance(routed, Deferred):
            return tuple(user.mailbox for user in routed)
        results: list[Any] = []
        routed.addBoth(results.append)
        for _ in range(200):
            self.clock.advance(1)
        (result,) = results
        if hasattr(result, "raiseException"):
            result.raiseException()
        return tuple(user.mailbox for user in result)

    def refused(self, address: str) -> str:
        with pytest.raises(Refused) as refused:
            self(address)
        return f"{refused.value.reply.code} {refused.value.reply.enhanced}"


@pytest.fixture(params=[False, True], ids=["at once", "slow"])
def asked(request: pytest.FixtureRequest) -> Asked:
    return Asked(slow=request.param)


@pytest.mark.parametrize(
    ("address", "mailboxes"),
    [
        ("anna@example.com", ["anna@example.com"]),
        ("ANNA@Example.COM", ["anna@example.com"]),
        ('"anna"@example.com', ["anna@example.com"]),
        ("anna+shop@example.com", ["anna@example.com"]),
        ("anna+exact@example.com", ["anna+exact@example.com"]),
        ("anna+a+b@example.com", ["anna@example.com"]),
        ("sales+x@example.com", ["anna@example.com", "bert@example.com"]),
        ("all@example.com", ["anna@example.com", "bert@example.com", "nested@example.org"]),
        ("real@example.net", ["real@example.net"]),
        ("anybody@example.net", ["catcher@example.net"]),
        ("+odd@example.net", ["catcher@example.net"]),
        ("bert@[198.51.100.5]", ["bert@example.com"]),
        ("bert+shop@[198.51.100.5]", ["bert@example.com"]),
    ],
)
def test_mailboxes(asked: Asked, address: str, mailboxes: list[str]) -> None:
    assert list(asked(address)) == mailboxes
    assert not asked.events


@pytest.mark.parametrize(
    ("address", "reply"),
    [
        ("nobody@example.com", "550 5.1.1"),
        ("+@example.com", "550 5.1.1"),
        ("off@example.com", "550 5.2.1"),
        ("unpaid@example.com", "550 5.2.1"),
        ("ghost@example.com", "550 5.1.1"),
        ("anna@foreign.example", "550 5.7.1"),
        ("anna@[192.0.2.99]", "550 5.7.1"),
        ("anna@[IPv6:2001:db8::1]", "550 5.7.1"),
        ("nobody@[198.51.100.5]", "550 5.1.1"),
        ("loop1@example.com", "550 5.4.6"),
        ("loop2@example.com", "550 5.4.6"),
        ("no address", "501 5.1.3"),
        ("anna", "501 5.1.3"),
    ],
)
def test_refused(asked: Asked, address: str, reply: str) -> None:
    assert asked.refused(address) == reply


def test_a_target_that_is_gone_does_not_keep_the_mail_from_the_others(asked: Asked) -> None:
    assert asked("half@example.com") == ("anna@example.com",)
    told = [event.what for event in asked.events if isinstance(event, Trouble)]
    assert len(told) == 2
    assert "gone@example.com" in told[0]
    assert "x@foreign.example" in told[1]


def test_a_chain_of_aliases_as_long_as_allowed(asked: Asked) -> None:
    chain: dict[str, User | Alias] = {
        f"a{at}@example.com": Alias((f"a{at + 1}@example.com",)) for at in range(ALIAS_DEPTH)
    }
    chain[f"a{ALIAS_DEPTH}@example.com"] = User("end@example.com")
    asked.directory.entries = chain
    assert asked("a0@example.com") == ("end@example.com",)
    chain["one-more@example.com"] = Alias(("a0@example.com",))
    assert asked.refused("one-more@example.com") == "550 5.4.6"


def test_aliases_that_share_targets_are_expanded_once() -> None:
    entries: dict[str, User | Alias] = {
        f"a{at}@example.com": Alias((f"a{at + 1}@example.com", f"b{at + 1}@example.com"))
        for at in range(20)
    } | {
        f"b{at}@example.com": Alias((f"a{at + 1}@example.com", f"b{at + 1}@example.com"))
        for at in range(20)
    }
    entries |= {f"{name}20@example.com": User(f"{name}@example.com") for name in "ab"}
    asked = Asked(entries)
    questions = 0
    find = asked.directory.find

    def counting(local_part: str, domain: str) -> Any:
        nonlocal questions
        questions += 1
        return find(local_part, domain)

    asked.directory.find = counting  # type: ignore[method-assign]
    assert sorted(asked("a0@example.com")) == ["a@example.com", "b@example.com"]
    assert questions < 200


def test_no_delimiter() -> None:
    asked = Asked(recipient_delimiter="")
    assert asked.refused("anna+shop@example.com") == "550 5.1.1"
    assert asked("anna+exact@example.com") == ("anna+exact@example.com",)


def test_another_delimiter() -> None:
    assert Asked(recipient_delimiter="-")("anna-shop@example.com") == ("anna@example.com",)


def test_directory_unavailable(asked: Asked) -> None:
    asked.directory.available = False
    with pytest.raises(DirectoryUnavailable):
        asked("anna@example.com")


# Postmaster ----------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["postmaster", "Postmaster", "postmaster@[198.51.100.5]"])
def test_postmaster_without_a_domain_is_the_first_user(asked: Asked, address: str) -> None:
    assert asked(address) == ("anna@example.com",)


def test_postmaster_of_a_domain_is_its_first_user(asked: Asked) -> None:
    assert asked("POSTMASTER@example.org") == ("nested@example.org",)


def test_postmaster_is_the_catch_all_where_there_is_one(asked: Asked) -> None:
    assert asked("postmaster@example.net") == ("catcher@example.net",)


def test_postmaster_of_a_domain_without_users_is_the_first_of_all(asked: Asked) -> None:
    asked.directory.entries = {**ENTRIES, "only@example.info": Alias(("bert@example.com",))}
    assert asked("postmaster@example.info") == ("anna@example.com",)


def test_postmaster_as_an_alias(asked: Asked) -> None:
    asked.directory.entries = {**ENTRIES, "postmaster@example.com": Alias(("bert@example.com",))}
    assert asked("postmaster@example.com") == ("bert@example.com",)


def test_postmaster_works_even_where_its_account_is_disabled(asked: Asked) -> None:
    asked.directory.entries = {
        **ENTRIES,
        "postmaster@example.com": User("postmaster@example.com", enabled=False),
    }
    assert asked("postmaster@example.com") == ("anna@example.com",)


def test_postmaster_of_a_foreign_domain_is_foreign(asked: Asked) -> None:
    assert asked.refused("postmaster@foreign.example") == "550 5.7.1"


def test_postmaster_where_nobody_is(asked: Asked) -> None:
    asked.directory.entries = {}
    assert asked.refused("postmaster") == "550 5.1.1"


# Our own addresses ---------------------------------------------------------------------------


def test_home_domain() -> None:
    entries = {**ENTRIES, "postmaster@example.com": Alias(("sales@example.com",))}
    asked = Asked(entries, home_domain=lambda: "example.com")
    assert asked("postmaster") == ("anna@example.com", "bert@example.com")
    assert asked("sales@[198.51.100.5]") == ("anna@example.com", "bert@example.com")
    assert asked.refused("nested@[198.51.100.5]") == "550 5.1.1"


def test_home_domain_that_is_not_served_yet() -> None:
    assert Asked(home_domain=lambda: "later.example")("postmaster") == ("anna@example.com",)


def test_local_hosts() -> None:
    asked = Asked(local_hosts=["203.0.113.9", "2001:DB8:0::1"])
    assert asked("bert@[203.0.113.9]") == ("bert@example.com",)
    assert asked("bert@[IPv6:2001:db8::1]") == ("bert@example.com",)


def test_an_ipv4_address_mapped_into_ipv6_is_the_same() -> None:
    router = Asked().router
    assert router.route("bert@[127.0.0.1]", "::ffff:127.0.0.1") == (User("bert@example.com"),)


@pytest.mark.parametrize(
    ("address", "mailbox"),
    [
        ("anna-maria@example.com", "anna-maria@example.com"),
        ("anna-maria-shop@example.com", "anna-maria@example.com"),
        ("anna-maria+shop@example.com", "anna-maria@example.com"),
        ("anna-shop@example.com", "anna@example.com"),
        ("anna+shop-maria@example.com", "anna@example.com"),
    ],
)
def test_two_delimiters_and_the_longest_name_first(address: str, mailbox: str) -> None:
    entries: dict[str, User | Alias] = {
        **ENTRIES,
        "anna-maria@example.com": User("anna-maria@example.com"),
    }
    assert Asked(entries, recipient_delimiter="+-")(address) == (mailbox,)


def test_a_domain_in_either_form_is_the_same(asked: Asked) -> None:
    mailbox = "jörg@xn--bcher-kva.example"
    asked.directory.entries = {
        mailbox: User(mailbox),
        "info@xn--bcher-kva.example": Alias(("JÖRG@Bücher.example",)),
    }
    for local_part in ("jörg", "JÖRG", "jo\u0308rg", "info", "Info+x"):
        for domain in (
            "xn--bcher-kva.example",
            "bücher.example",
            "BÜCHER.Example",
            "XN--BCHER-KVA.example",
        ):
            assert asked(f"{local_part}@{domain}") == (mailbox,)


@implementer(IVersionedDirectory)
class VersionedDirectory(MemoryDirectory):
    """Tells when it has changed, and counts what it is asked."""

    def __init__(self, entries: dict[str, User | Alias]) -> None:
        super().__init__(entries)
        self.changes = 0
        self.questions = 0

    def version(self) -> int:
        self._checked(None)
        return self.changes

    def find(self, local_part: str, domain: str) -> Any:
        self.questions += 1
        return super().find(local_part, domain)


def mailboxes_of(router: Router, address: str) -> list[str]:
    users: Any = router.route(address, LOCAL_HOST)
    return [user.mailbox for user in users]


def test_an_address_is_looked_up_again_only_after_a_change() -> None:
    directory = VersionedDirectory(dict(ENTRIES))
    router = Router(directory)
    for _ in range(3):
        assert mailboxes_of(router, "Anna+shop@example.com") == ["anna@example.com"]
    once = directory.questions
    assert once == 2
    directory.entries["anna+shop@example.com"] = User("shop@example.com")
    directory.changes += 1
    assert mailboxes_of(router, "Anna+shop@example.com") == ["shop@example.com"]
    del directory.entries["anna+shop@example.com"]
    directory.entries["anna@example.com"] = User("anna@example.com", enabled=False)
    directory.changes += 1
    with pytest.raises(Refused):
        router.route("Anna+shop@example.com", LOCAL_HOST)


def test_what_is_refused_and_what_an_alias_means_is_looked_up_every_time() -> None:
    directory = VersionedDirectory(dict(ENTRIES))
    router = Router(directory)
    for _ in range(2):
        before = directory.questions
        assert len(mailboxes_of(router, "sales@example.com")) == 2
        with pytest.raises(Refused):
            router.route("nobody@example.com", LOCAL_HOST)
        assert directory.questions > before + 2


def test_what_is_remembered_is_not_told_while_nobody_can_say_whether_it_is_so() -> None:
    directory = VersionedDirectory(dict(ENTRIES))
    router = Router(directory)
    router.route("anna@example.com", LOCAL_HOST)
    directory.available = False
    with pytest.raises(DirectoryUnavailable):
        router.route("anna@example.com", LOCAL_HOST)


def test_a_literal_of_ours_is_no_literal_of_others() -> None:
    router = Router(VersionedDirectory(dict(ENTRIES)), home_domain=lambda: "example.com")
    assert mailboxes_of(router, "bert@[198.51.100.5]") == ["bert@example.com"]
    with pytest.raises(Refused):
        router.route("bert@[198.51.100.5]", "198.51.100.6")


def test_no_more_than_so_many_addresses_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.delivery.routing.MOST_ROUTES", 3)
    directory = VersionedDirectory(dict(ENTRIES))
    router = Router(directory)
    for number in range(4):
        router.route(f"anna+{number}@example.com", LOCAL_HOST)
    before = directory.questions
    router.route("anna+3@example.com", LOCAL_HOST)
    assert directory.questions == before
    router.route("anna+0@example.com", LOCAL_HOST)
    assert directory.questions > before
