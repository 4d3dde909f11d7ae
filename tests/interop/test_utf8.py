"""An internationalized message from SMTPUTF8 to POP3, for clients with and without UTF8."""

from __future__ import annotations

import poplib
import smtplib

from tests.interop.gateway import Account, Gateway
from tests.interop.mail import mailbox, retrieve

MESSAGE = "From: Jøran <jøran@example.org>\r\nSubject: Grüße\r\n\r\nÖl\r\n"
CONVERTED = (
    "From: =?utf-8?b?SsO4cmFu?= <invalid@internationalized-address.invalid>\r\n"
    "Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n\r\nÖl\r\n"
)


def _send(gateway: Gateway, account: Account) -> None:
    with smtplib.SMTP("127.0.0.1", gateway.ports["smtp"], timeout=60) as client:
        client.ehlo("localhost")
        options = ["SMTPUTF8", "BODY=8BITMIME"]
        client.sendmail("jøran@example.org", [account.address], MESSAGE.encode(), options)


def test_with_and_without_utf8(gateway: Gateway, account: Account) -> None:
    _send(gateway, account)
    with mailbox(gateway, account) as client:
        _, octets = client.stat()
        message = retrieve(client, 1)
    assert message.endswith(CONVERTED.encode())
    assert message.partition(b"\r\n\r\n")[0].isascii()
    assert octets == len(message)
    client = poplib.POP3("127.0.0.1", gateway.ports["pop3"], timeout=60)
    client.utf8()
    client.user(account.address)
    client.pass_(account.password)
    message = retrieve(client, 1)
    assert message.endswith(MESSAGE.encode())
    assert client.stat() == (1, len(message))
    client.dele(1)
    client.quit()
    with mailbox(gateway, account) as client:
        assert client.stat() == (0, 0)
