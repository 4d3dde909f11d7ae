"""Policies of the real gateway, as a client and an administrator see them."""

from __future__ import annotations

import os
import poplib
import time
from pathlib import Path

import pytest

from tests.interop.gateway import Account, Gateway

DAY = 86_400
CONFIGURATION = '[auth]\nplaintext = "loopback"\n[store]\nkind = "%s"\n'


def log_in(gateway: Gateway, account: Account) -> poplib.POP3:
    box = poplib.POP3("127.0.0.1", gateway.ports["pop3"], timeout=30)
    box.user(account.address)
    box.pass_(account.password)
    return box


def uidls(gateway: Gateway, account: Account) -> list[str]:
    box = log_in(gateway, account)
    found = [line.split()[1].decode() for line in box.uidl()[1]]
    box.quit()
    return found


def delete_all(gateway: Gateway, account: Account) -> None:
    box = log_in(gateway, account)
    for number in range(box.stat()[0]):
        box.dele(number + 1)
    box.quit()


def put(gateway: Gateway, account: Account, days: int) -> str:
    """Put a message that is so many days old into a mailbox; return its unique-id."""
    folder = gateway.mailbox(account)
    for name in ("tmp", "cur", "new"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    moment = int(time.time()) - days * DAY
    path = folder / "new" / f"{moment}.M1P1.elsewhere"
    path.write_bytes(b"Subject: old\n\nhello\n")
    os.utime(path, (moment, moment))
    return path.name


@pytest.mark.parametrize("kind", ["maildir", "sqlite"])
def test_deleted_mail_comes_back_under_its_old_unique_id(tmp_path: Path, kind: str) -> None:
    with Gateway(tmp_path, configuration=CONFIGURATION % kind) as gateway:
        undoing, keeping = gateway.add_accounts(2)
        gateway.admin("domain", "set", "localhost", "undelete_days", "7")
        gateway.admin("user", "set", keeping.address, "keep", "yes")
        for account in (undoing, keeping):
            gateway.admin("send-test", account.address)
            before = uidls(gateway, account)
            assert len(before) == 1
            delete_all(gateway, account)
            assert uidls(gateway, account) == []
            shown = gateway.admin_json("message", "list", account.address, "--json")
            gateway.admin("message", "undelete", account.address)
            assert [message["id"] for message in shown] == before
            assert (shown[0]["until"] == "for ever") is (account is keeping)
            assert uidls(gateway, account) == before


def test_mail_expires_while_the_gateway_runs(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, configuration=CONFIGURATION % "maildir")
    gateway.admin("domain", "add", "example.org")
    expiring, other = gateway.add_accounts(2, "example.org")
    old, young = put(gateway, expiring, 31), put(gateway, expiring, 29)
    put(gateway, other, 400)
    gateway.admin("user", "set", expiring.address, "expire_days", "30")
    with gateway:
        deadline = time.monotonic() + 30
        while old in uidls(gateway, expiring) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert uidls(gateway, expiring) == [young]
        assert len(uidls(gateway, other)) == 1
        assert f'expired mailbox="{expiring.address}" messages=1' in gateway.log


def test_clients_are_told(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        strict, other = gateway.add_accounts(2)
        box = poplib.POP3("127.0.0.1", gateway.ports["pop3"], timeout=30)
        assert (box.capa()["EXPIRE"], box.capa()["LOGIN-DELAY"]) == (["NEVER"], ["0"])
        gateway.admin("user", "set", strict.address, "expire_days", "30")
        gateway.admin("domain", "set", "localhost", "login_delay_seconds", "60")
        gateway.admin("domain", "set", "localhost", "login_delay_hard", "no")
        gateway.admin("user", "set", other.address, "login_delay_hard", "yes")
        assert box.capa()["EXPIRE"] == ["30", "USER"]
        assert box.capa()["LOGIN-DELAY"] == ["60", "USER"]
        box.quit()
        for account, days in ((strict, "30"), (other, "NEVER")):
            box = log_in(gateway, account)
            assert (box.capa()["EXPIRE"], box.capa()["LOGIN-DELAY"]) == ([days], ["60"])
            box.quit()
        log_in(gateway, strict).quit()  # it was only asked to wait
        with pytest.raises(poplib.error_proto, match="LOGIN-DELAY"):
            log_in(gateway, other)
