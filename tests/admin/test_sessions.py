"""What the command does to the live sessions of the real gateway."""

from __future__ import annotations

import poplib
from pathlib import Path

import pytest

from tests.interop.gateway import Account, Gateway


def log_in(gateway: Gateway, account: Account) -> poplib.POP3:
    box = poplib.POP3("127.0.0.1", gateway.ports["pop3"], timeout=10)
    box.user(account.address)
    box.pass_(account.password)
    return box


def assert_ended(box: poplib.POP3) -> None:
    with pytest.raises((OSError, poplib.error_proto)):
        box.noop()
    box.close()


def test_remove_ends_sessions_without_an_update(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        account, other = gateway.add_accounts(2)
        for one in (account, other):
            gateway.admin("send-test", one.address)
        box, others = log_in(gateway, account), log_in(gateway, other)
        box.dele(1)
        done = gateway.admin("user", "remove", account.address)
        assert done.stderr == b""
        assert b"mail is kept in " in done.stdout
        assert_ended(box)
        others.noop()
        others.quit()
        with pytest.raises(poplib.error_proto):
            log_in(gateway, account)


def test_passwd_ends_sessions_and_holds_at_once(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        (account,) = gateway.add_accounts(1)
        gateway.admin("send-test", account.address)
        box = log_in(gateway, account)
        box.dele(1)
        gateway.admin("user", "passwd", account.address, "--password-stdin", input="new one\n")
        assert_ended(box)
        with pytest.raises(poplib.error_proto):
            log_in(gateway, account)
        again = log_in(gateway, Account(account.address, "new one"))
        assert again.stat()[0] == 1
        again.quit()


def test_disabling_ends_sessions(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        (account,) = gateway.add_accounts(1)
        box = log_in(gateway, account)
        gateway.admin("user", "set", account.address, "quota_messages", "10")
        box.noop()
        gateway.admin("user", "set", account.address, "enabled", "no")
        assert_ended(box)


def test_purge_while_the_user_is_logged_in(tmp_path: Path) -> None:
    with Gateway(tmp_path, store="maildir") as gateway:
        (account,) = gateway.add_accounts(1)
        gateway.admin("send-test", account.address)
        maildir = gateway.mailbox(account)
        box = log_in(gateway, account)
        gateway.admin("user", "remove", "--purge", account.address)
        assert_ended(box)
        assert not maildir.exists()
