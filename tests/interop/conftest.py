"""One gateway of each kind of store for all tests of this folder, and a user for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.interop.gateway import Account, Gateway


@pytest.fixture(scope="session", params=["sqlite", "maildir"])
def gateway(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("gateway"), store=request.param) as running:
        yield running


@pytest.fixture(scope="session")
def pool(gateway: Gateway) -> Iterator[Account]:
    def refill() -> Iterator[Account]:
        while True:
            yield from gateway.add_accounts(20)

    return refill()


@pytest.fixture
def new_account(pool: Iterator[Account]) -> Callable[[], Account]:
    """A function that gives a user with an empty mailbox."""
    return lambda: next(pool)


@pytest.fixture
def account(pool: Iterator[Account]) -> Account:
    """A user with an empty mailbox."""
    return next(pool)
