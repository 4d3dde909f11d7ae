"""Postfix relays to the gateway: over SMTP with TLS, over LMTP on TCP and on a unix socket."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.gateway import Gateway, listeners_on_loopback
from tests.interop.mail import SAMPLES, large_message, read_all
from tests.interop.postfix import Postfix

DOMAINS = {"smtp": "smtp.example", "lmtp": "lmtp.example", "unix": "unix.example"}


@pytest.fixture(scope="module")
def meeting() -> Iterator[Path]:
    """A folder for the socket: Postfix's own user cannot enter those of pytest."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def receiving(tmp_path_factory: pytest.TempPathFactory, meeting: Path) -> Iterator[Gateway]:
    options = [*listeners_on_loopback(), "--lmtp", f"unix:{meeting}/lmtp"]
    folder = tmp_path_factory.mktemp("receiving")
    with Gateway(folder, options=options, store="maildir") as gateway:
        for domain in DOMAINS.values():
            gateway.admin("domain", "add", domain)
        yield gateway


@pytest.fixture(scope="module")
def postfix(receiving: Gateway, meeting: Path) -> Iterator[Postfix]:
    ports = receiving.ports
    transports = {
        DOMAINS["smtp"]: f"smtp:[localhost]:{ports['smtp']}",
        DOMAINS["lmtp"]: f"lmtp:inet:localhost:{ports['lmtp']}",
        DOMAINS["unix"]: f"lmtp:unix:{meeting}/lmtp",
    }
    settings = [
        "smtp_tls_security_level = verify",
        "smtp_tls_verify_cert_match = hostname",
        f"smtp_tls_CAfile = {receiving.ca}",
        "smtp_tls_loglevel = 1",
    ]
    with Postfix(transports, settings) as running:
        yield running


@pytest.fixture(params=DOMAINS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def text_of(message: bytes) -> bytes:
    """A message without its trace fields and what else Postfix puts before it."""
    return message.partition(b"\r\n\r\n")[2]


def received_by_us(message: bytes) -> bytes:
    found = re.search(rb"^Received: from sender\.example\.com (.*\r\n(?:\t.*\r\n)*)", message, re.M)
    assert found is not None, message[:1000]
    return found[1]


WITH = {
    "smtp": rb"\(\[127\.0\.0\.1\]\)\r\n\t\(using TLSv1\.3 with cipher \w+\)\r\n"
    rb"\tby \S+ \(pop3gw\) with ESMTPS ",
    "lmtp": rb"\(\[127\.0\.0\.1\]\)\r\n\tby \S+ \(pop3gw\) with LMTP ",
    "unix": rb"\(local\)\r\n\tby \S+ \(pop3gw\) with LMTP ",
}


def test_messages_arrive_whole(receiving: Gateway, postfix: Postfix, way: str) -> None:
    names = ("plain", "eight-bit", "leading-dots", "blank-lines-at-end", "dots-at-every-offset")
    samples = [SAMPLES[name] for name in names] + [large_message(1_000_000)]
    (account,) = receiving.add_accounts(1, DOMAINS[way])
    before = postfix.log.count("status=sent (250 2.0.0")
    for message in samples:
        postfix.send([account.address], message, "BODY=8BITMIME")
    postfix.wait_for("status=sent (250 2.0.0", before + len(samples))
    arrived = read_all(receiving, account)
    assert sorted(map(text_of, arrived)) == sorted(map(text_of, samples))
    for message in arrived:
        assert re.match(WITH[way], received_by_us(message))


def test_each_recipient_has_an_answer(receiving: Gateway, postfix: Postfix, way: str) -> None:
    first, second = receiving.add_accounts(2, DOMAINS[way])
    nobody = f"nobody@{DOMAINS[way]}"
    postfix.send([first.address, nobody, second.address], SAMPLES["plain"])
    for account in (first, second):
        postfix.wait_for(f"to=<{account.address}>")
        assert len(read_all(receiving, account)) == 1
    postfix.wait_for(f"to=<{nobody}>")
    (line,) = [line for line in postfix.log.splitlines() if f"to=<{nobody}>" in line]
    assert "dsn=5.1.1, status=bounced" in line
    assert "There is no mailbox with this address here" in line


def test_an_internationalized_message(receiving: Gateway, postfix: Postfix, way: str) -> None:
    (account,) = receiving.add_accounts(1, DOMAINS[way])
    postfix.send([account.address], "Subject: Grüße\r\n\r\ntext\r\n".encode(), "SMTPUTF8")
    postfix.wait_for(f"to=<{account.address}>")
    (file,) = receiving.mailbox(account).glob("new/*")
    message = file.read_bytes().replace(b"\n", b"\r\n")
    assert "Subject: Grüße\r\n".encode() in message
    keyword = b"UTF8SMTPS" if way == "smtp" else b"UTF8LMTP"
    assert b"with " + keyword + b" id" in received_by_us(message)


@pytest.mark.slow
def test_mail_waits_while_the_gateway_is_away(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    gateway.admin("domain", "add", "office.example")
    (account,) = gateway.add_accounts(1, "office.example")
    with gateway:
        port = gateway.ports["smtp"]
        gateway.stop()
        with Postfix({"office.example": f"smtp:[localhost]:{port}"}) as postfix:
            postfix.send([account.address], SAMPLES["plain"])
            postfix.wait_for("status=deferred")
            gateway.options += ["--smtp", f"tcp:{port}:interface=127.0.0.1"]
            gateway.start()
            postfix.wait_for("status=sent")
        assert len(read_all(gateway, account)) == 1
