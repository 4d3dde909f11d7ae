"""What goes in over SMTP comes out of RETR, octet for octet."""

from __future__ import annotations

import pytest

from tests.interop.gateway import Account, Gateway
from tests.interop.mail import (
    MEGABYTE,
    SAMPLES,
    assert_identical,
    large_message,
    read_all,
    send,
)


@pytest.mark.parametrize("name", SAMPLES)
def test_each_kind_of_message(gateway: Gateway, account: Account, name: str) -> None:
    send(gateway, [account.address], SAMPLES[name])
    (received,) = read_all(gateway, account)
    assert_identical(received, SAMPLES[name])


def test_all_kinds_in_one_mailbox_in_order(gateway: Gateway, account: Account) -> None:
    for message in SAMPLES.values():
        send(gateway, [account.address], message, tls=True)
    received = read_all(gateway, account)
    assert len(received) == len(SAMPLES)
    for got, sent in zip(received, SAMPLES.values(), strict=True):
        assert_identical(got, sent)


def test_25_megabytes(gateway: Gateway, account: Account) -> None:
    message = large_message(25 * MEGABYTE)
    send(gateway, [account.address], message)
    (received,) = read_all(gateway, account)
    assert_identical(received, message)


def test_25_megabytes_over_tls(gateway: Gateway, account: Account) -> None:
    message = large_message(25 * MEGABYTE)
    send(gateway, [account.address], message, tls=True)
    (received,) = read_all(gateway, account)
    assert_identical(received, message)
