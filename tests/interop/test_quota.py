"""Quotas in the running gateway: full, and open again once the user has deleted mail."""

from __future__ import annotations

import poplib
import smtplib
from pathlib import Path

from tests.interop.gateway import Account, Gateway
from tests.interop.mail import data

MESSAGE = b"Subject: x\r\n\r\n" + b"x" * 998 + b"\r\n"


def rcpt(client: smtplib.SMTP, account: Account, size: int | None = None) -> str:
    """The code and enhanced code of RCPT."""
    client.rset()
    client.mail("sender@example.org", [f"SIZE={size}"] if size is not None else [])
    code, text = client.rcpt(account.address)
    return f"{code} {text.split()[0].decode()}"


def delete_all(gateway: Gateway, account: Account) -> None:
    client = poplib.POP3("127.0.0.1", gateway.ports["pop3"], timeout=20)
    client.user(account.address)
    client.pass_(account.password)
    for number in range(1, client.stat()[0] + 1):
        client.dele(number)
    client.quit()


def test_full_and_open_again(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        anna, bert = gateway.add_accounts(2)
        with smtplib.SMTP("127.0.0.1", gateway.ports["smtp"], timeout=20) as client:
            client.ehlo("client.example.org")
            gateway.admin("user", "set", anna.address, "quota_messages", "1")
            assert rcpt(client, anna) == "250 2.1.5"
            assert data(client, MESSAGE)[0] == 250
            assert rcpt(client, anna) == "452 4.2.2"
            assert rcpt(client, bert) == "250 2.1.5"
            delete_all(gateway, anna)
            assert rcpt(client, anna) == "250 2.1.5"

            gateway.admin("domain", "set", "localhost", "quota_octets", "1500")
            assert rcpt(client, bert, 2000) == "552 5.2.2"
            assert data(client, MESSAGE)[0] == 503
            assert rcpt(client, bert, 1000) == "250 2.1.5"
            assert data(client, MESSAGE)[0] == 250
            assert rcpt(client, anna, 1000) == "452 4.2.2"
            gateway.admin("domain", "set", "localhost", "quota_octets", "none")
            assert rcpt(client, anna, 1000) == "250 2.1.5"

            gateway.admin("user", "set", anna.address, "enabled", "no")
            assert rcpt(client, anna) == "550 5.2.1"
