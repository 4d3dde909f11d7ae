"""Quotas of users and domains: who is refused at RCPT, and how."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from gateway.accounts.interfaces import Alias, User
from gateway.delivery.interfaces import Refused
from gateway.store.interfaces import StoreError, Usage
from tests.delivery.test_office import MESSAGE, Office

FULL = "452 4.2.2"
NEVER = "552 5.2.2"


def office_with(
    *users: User, usage: dict[str, Usage] | None = None, slow: bool = False
) -> tuple[Office, list[tuple[str, bool]]]:
    """An office with these users, and what its store was asked."""
    office = Office(slow)
    office.directory.entries = {user.mailbox: user for user in users}
    asked: list[tuple[str, bool]] = []
    count = office.store.usage

    def tell(mailbox: str, fresh: bool = False) -> Any:
        asked.append((mailbox, fresh))
        return usage[mailbox] if usage is not None else count(mailbox, fresh)

    office.store.usage = tell  # type: ignore[method-assign]
    return office, asked


def refusal(office: Office, address: str, size: int | None = None) -> str:
    transaction = office.begin(size=size)
    try:
        office.wait(transaction.recipient(address))
    except Refused as refused:
        return f"{refused.reply.code} {refused.reply.enhanced}"
    return ""


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize(
    ("limits", "held", "size", "reply"),
    [
        ((1000, None), (1, 900), None, ""),
        ((1000, None), (1, 999), None, ""),
        ((1000, None), (1, 1000), None, FULL),
        ((1000, None), (1, 900), 100, ""),
        ((1000, None), (1, 900), 101, FULL),
        ((1000, None), (0, 0), 1001, NEVER),
        ((1000, None), (0, 0), 1000, ""),
        ((None, 3), (2, 10**9), 10**9, ""),
        ((None, 3), (3, 0), None, FULL),
        ((None, 0), (0, 0), None, NEVER),
        ((0, None), (0, 0), None, NEVER),
        ((1000, 3), (2, 1000), None, FULL),
    ],
)
def test_of_a_user_and_of_a_domain(
    slow: bool,
    limits: tuple[int | None, int | None],
    held: tuple[int, int],
    size: int | None,
    reply: str,
) -> None:
    own = User("anna@example.com", True, *limits)
    office, _ = office_with(own, usage={"anna@example.com": Usage(*held)}, slow=slow)
    assert refusal(office, "anna@example.com", size) == reply
    shared = User("anna@example.com", True, None, None, *limits)
    office, _ = office_with(shared, usage={"@example.com": Usage(*held)}, slow=slow)
    assert refusal(office, "anna@example.com", size) == reply


def test_a_store_is_asked_only_where_there_is_a_quota() -> None:
    office, asked = office_with(User("anna@example.com"))
    assert refusal(office, "anna@example.com", 10**9) == ""
    assert not asked


def test_only_before_a_refusal_is_it_counted_anew() -> None:
    held = {"anna@example.com": Usage(1, 10), "bert@example.com": Usage(9, 10)}
    anna, bert = (User(mailbox, quota_messages=5) for mailbox in held)
    office, asked = office_with(anna, bert, usage=held)
    assert refusal(office, "anna@example.com") == ""
    assert refusal(office, "bert@example.com") == FULL
    assert asked == [(mailbox, False) for mailbox in held] + [("bert@example.com", True)]


def test_one_full_mailbox_refuses_an_alias_of_several() -> None:
    # The message could not be stored for all of them, and nobody would tell the sender.
    full = User("full@example.com", quota_octets=10)
    office, _ = office_with(User("anna@example.com"), full, usage={full.mailbox: Usage(1, 10)})
    office.directory.entries["all@example.com"] = Alias(("anna@example.com", "full@example.com"))
    assert refusal(office, "all@example.com") == FULL
    assert refusal(office, "anna@example.com") == ""


def test_a_message_that_fitted_at_rcpt_may_pass_the_quota() -> None:
    office, _ = office_with(User("anna@example.com", quota_octets=20))
    office.deliver(["anna@example.com"], MESSAGE)
    assert len(office.store.mailboxes["anna@example.com"][0]) > 20
    assert refusal(office, "anna@example.com") == FULL


def test_the_store_cannot_tell() -> None:
    office, _ = office_with(User("anna@example.com", quota_octets=20))

    def broken(mailbox: str, fresh: bool = False) -> Deferred[Usage]:
        raise StoreError("the disk is gone")

    office.store.usage = broken  # type: ignore[method-assign]
    assert refusal(office, "anna@example.com") == "451 4.3.0"
    assert office.events
