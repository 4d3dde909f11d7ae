"""Who and what is refused, with which code."""

from __future__ import annotations

import poplib
import smtplib
from collections.abc import Iterator

import pytest

from tests.interop.gateway import Account, Gateway
from tests.interop.mail import SAMPLES, assert_identical, data, read_all


@pytest.fixture
def smtp(gateway: Gateway) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", gateway.ports["smtp"], timeout=30) as client:
        client.ehlo("client.example.org")
        yield client


def _login_error(gateway: Gateway, user: str, password: str) -> bytes:
    client = poplib.POP3("127.0.0.1", gateway.ports["pop3"], timeout=30)
    try:
        client.user(user)
        with pytest.raises(poplib.error_proto) as refused:
            client.pass_(password)
        return refused.value.args[0]
    finally:
        client.quit()


def test_a_wrong_password_and_an_unknown_user_read_the_same(
    gateway: Gateway, account: Account
) -> None:
    wrong = _login_error(gateway, account.address, "not it")
    unknown = _login_error(gateway, "nobody@localhost", "not it")
    assert wrong.startswith(b"-ERR [AUTH]")
    assert wrong == unknown


def test_an_unknown_recipient(gateway: Gateway, account: Account, smtp: smtplib.SMTP) -> None:
    smtp.mail("sender@example.org")
    code, text = smtp.rcpt("nobody@localhost")
    assert (code, text[:6]) == (550, b"5.1.1 ")
    assert smtp.rcpt(account.address)[0] == 250
    assert data(smtp, SAMPLES["plain"])[0] == 250
    (received,) = read_all(gateway, account)
    assert_identical(received, SAMPLES["plain"])


def test_a_domain_that_is_not_ours(smtp: smtplib.SMTP) -> None:
    smtp.mail("sender@example.org")
    code, text = smtp.rcpt("somebody@elsewhere.example")
    assert (code, text[:6]) == (550, b"5.7.1 ")


def test_postmaster_is_always_there(smtp: smtplib.SMTP) -> None:
    smtp.mail("")
    assert smtp.rcpt("postmaster")[0] == 250
    assert smtp.rcpt("PostMaster@localhost")[0] == 250


@pytest.mark.parametrize(
    "octets", [b"a\0b", b"a\nb", b"a\rb", b"a\n.\nb", b"a\r.\rb", b"a\n.\r\nb"]
)
def test_octets_that_no_message_may_hold(
    gateway: Gateway, account: Account, smtp: smtplib.SMTP, octets: bytes
) -> None:
    smtp.mail("sender@example.org")
    assert smtp.rcpt(account.address)[0] == 250
    code, text = data(smtp, b"Subject: bad\r\n\r\n" + octets + b"\r\nand more\r\n")
    assert (code, text[:6]) == (554, b"5.6.0 ")

    smtp.mail("sender@example.org")
    assert smtp.rcpt(account.address)[0] == 250
    assert data(smtp, SAMPLES["plain"])[0] == 250
    (received,) = read_all(gateway, account)
    assert_identical(received, SAMPLES["plain"])


def test_with_a_configuration_file_no_password_is_taken_in_clear(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with Gateway(tmp_path_factory.mktemp("configured"), configuration="") as gateway:
        gateway.admin("domain", "add", "example.com")
        (account,) = gateway.add_accounts(1, "example.com")
        client = poplib.POP3("127.0.0.1", gateway.ports["pop3"], timeout=30)
        assert "USER" not in client.capa()
        with pytest.raises(poplib.error_proto):
            client.user(account.address)
            client.pass_(account.password)
        client.quit()
