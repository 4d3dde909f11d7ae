"""The first account, and the texts of a start."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.accounts.database import AccountDatabase
from gateway.accounts.schemes import verify
from gateway.datafolder import DataFolder
from gateway.welcome import (
    FirstAccount,
    Place,
    ensure_account,
    first_start_text,
    later_start_text,
    new_password,
)

ACCOUNT = FirstAccount("user@localhost", "bafo-kitu")


def text(*places: Place, plaintext: str = "never") -> str:
    return first_start_text(DataFolder("/srv/my mail"), ACCOUNT, places, plaintext, "sqlite")


def test_an_account_is_made_while_there_is_none(tmp_path: Path) -> None:
    database = AccountDatabase(tmp_path / "accounts.sqlite")
    account = ensure_account(database)
    assert account is not None
    user = database.user(account.address)
    assert user is not None
    assert verify(account.password, user.password_hash)
    assert ensure_account(database) is None
    database.remove_user(account.address)
    again = ensure_account(database)
    assert again is not None
    assert again.password != account.password
    database.close()


def test_a_password_can_be_typed() -> None:
    passwords = {new_password() for _ in range(100)}
    assert len(passwords) == 100
    for password in passwords:
        assert len(password) == 24
        assert password.replace("-", "").isalpha()


def test_the_best_listener_is_named() -> None:
    shown = text(
        Place("pop3", "127.0.0.1", 1110),
        Place("pop3s", "0.0.0.0", 1995),
        Place("smtp", "192.0.2.1", 2525),
    )
    assert "server localhost, port 1995, connection security SSL/TLS" in shown
    assert "server 192.0.2.1, port 2525, connection security STARTTLS" in shown
    assert "--data '/srv/my mail' send-test user@localhost" in shown
    command = "--cacert '/srv/my mail/ca.pem' -u user@localhost:bafo-kitu pop3s://localhost:1995/1"
    assert f"curl {command}" in shown


@pytest.mark.parametrize(
    ("plaintext", "expected"),
    [("never", "curl --ssl-reqd --cacert"), ("always", "curl -u user@localhost:bafo-kitu pop3://")],
)
def test_without_pop3s_the_command_uses_stls_unless_clear_text_is_fine(
    plaintext: str, expected: str
) -> None:
    assert expected in text(Place("pop3", "::1", 1110), plaintext=plaintext)


def test_what_is_not_served_is_not_named() -> None:
    shown = text(Place("lmtp", "unix", 0))
    assert "Incoming" not in shown
    assert "Outgoing" not in shown
    assert "send-test" not in shown


def test_a_later_start_is_short_and_has_no_password() -> None:
    shown = later_start_text(DataFolder("/srv/mail"), "maildir", 2, ["a.example", "b.example"])
    assert shown.count("\n") == 2
    assert "2 accounts in a.example, b.example" in shown
