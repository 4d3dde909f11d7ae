"""Python's poplib and smtplib."""

from __future__ import annotations

import poplib
import smtplib
from email.message import EmailMessage

import pytest

from tests.interop.gateway import Account, Gateway
from tests.interop.mail import SAMPLES, assert_identical, read_all, send, trusting


def _clear(gateway: Gateway) -> poplib.POP3:
    return poplib.POP3("localhost", gateway.ports["pop3"], timeout=30)


def _stls(gateway: Gateway) -> poplib.POP3:
    client = _clear(gateway)
    client.stls(context=trusting(gateway))
    return client


def _pop3s(gateway: Gateway) -> poplib.POP3:
    return poplib.POP3_SSL(
        "localhost", gateway.ports["pop3s"], timeout=30, context=trusting(gateway)
    )


@pytest.mark.parametrize("connect", [_clear, _stls, _pop3s])
def test_a_session_of_poplib(gateway: Gateway, account: Account, connect) -> None:  # type: ignore[no-untyped-def]
    for name in ("plain", "eight-bit", "leading-dots"):
        send(gateway, [account.address], SAMPLES[name])
    client = connect(gateway)
    capabilities = client.capa()
    assert {"TOP", "UIDL"} <= set(capabilities)
    assert ("STLS" in capabilities) == (connect is _clear)
    client.user(account.address)
    client.pass_(account.password)
    assert client.stat()[0] == 3
    uidls = [line.split()[1] for line in client.uidl()[1]]
    assert len(set(uidls)) == 3
    assert client.uidl(2).split()[1:] == [b"2", uidls[1]]
    assert client.list(2).split()[1] == b"2"
    assert b"Subject: plain" in client.top(1, 0)[1]
    assert b"Hello." not in client.top(1, 0)[1]
    client.dele(1)
    client.rset()
    client.dele(2)
    client.noop()
    client.quit()

    left = read_all(gateway, account)
    assert len(left) == 2
    assert_identical(left[0], SAMPLES["plain"])
    assert_identical(left[1], SAMPLES["leading-dots"])


def test_what_is_marked_stays_when_the_connection_breaks(
    gateway: Gateway, account: Account
) -> None:
    send(gateway, [account.address], SAMPLES["plain"])
    client = _clear(gateway)
    client.user(account.address)
    client.pass_(account.password)
    client.dele(1)
    client.close()
    assert len(read_all(gateway, account)) == 1


def test_smtplib_sends_a_message(gateway: Gateway, account: Account) -> None:
    message = EmailMessage()
    message["From"] = "sender@example.org"
    message["To"] = account.address
    message["Subject"] = "Grüße"
    message.set_content("Text\n.\nwith a dot\n")
    with smtplib.SMTP("localhost", gateway.ports["smtp"], timeout=30) as client:
        client.starttls(context=trusting(gateway))
        assert client.ehlo()[0] == 250
        assert not client.has_extn("starttls")
        assert {"size", "8bitmime", "pipelining", "enhancedstatuscodes"} <= set(
            client.esmtp_features
        )
        assert client.send_message(message) == {}
    (received,) = read_all(gateway, account)
    assert b"\r\n\r\nText\r\n.\r\nwith a dot\r\n" in received


def test_lmtp_answers_for_each_recipient(gateway: Gateway, account: Account) -> None:
    with smtplib.LMTP("localhost", gateway.ports["lmtp"]) as client:
        refused = client.sendmail(
            "sender@example.org", [account.address, "nobody@localhost"], SAMPLES["plain"]
        )
    assert list(refused) == ["nobody@localhost"]
    (received,) = read_all(gateway, account)
    assert_identical(received, SAMPLES["plain"])


def test_send_test_and_its_message(gateway: Gateway, account: Account) -> None:
    gateway.admin("send-test", account.address)
    assert len(read_all(gateway, account)) == 1
