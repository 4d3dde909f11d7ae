"""Python's smtplib against the factories, over real sockets and real TLS."""

from __future__ import annotations

import json
import re
import smtplib
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


class Running:
    """The server in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.smtp.serve", str(folder)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        assert self._process.stdout is not None
        ports = self._process.stdout.readline().split()
        assert len(ports) == 2, (folder / "log").read_text()
        self.smtp, self.lmtp = map(int, ports)

    def stop(self) -> dict[str, list[bytes]]:
        """End it; return what was stored."""
        if self._process.poll() is None:
            self._process.terminate()
        assert self._process.wait(20) == 0
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()
        told = (self.folder / "log").read_text()
        assert "Traceback" not in told
        assert "InternalError" not in told
        assert "secret" not in told
        stored = json.loads((self.folder / "mailboxes.json").read_text())
        return {
            name: [text.encode("latin-1") for text in messages] for name, messages in stored.items()
        }


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    server = Running(tmp_path)
    try:
        yield server
    finally:
        server.stop()


def without_trace(message: bytes) -> bytes:
    return message.partition(b" +0000\r\n")[2]


def test_messages_arrive_as_they_were_sent(running: Running) -> None:
    every_octet = bytes(set(range(256)) - {0, 10, 13})
    messages = [
        b"",
        b"Subject: x\r\n\r\n.dot\r\n..\r\n.\r\n",
        b"Subject: 8-bit\r\n\r\n" + every_octet + b"\r\n",
        b"Subject: long\r\n\r\n" + b"x" * 2_000_000 + b"\r\n",
        b"Subject: many\r\n\r\n" + b".x\r\n" * 200_000,
    ]
    with smtplib.SMTP("127.0.0.1", running.smtp, timeout=20) as client:
        for message in messages:
            client.sendmail(
                "sender@client.example", ["anna@example.com"], message, ["BODY=8BITMIME"]
            )
        client.sendmail("sender@client.example", ["anna@example.com"], b"no final newline")
    stored = running.stop()["anna@example.com"]
    assert (
        [without_trace(message) for message in stored]
        == [
            b"\r\n",  # smtplib ends every message with a line end
            *messages[1:],
            b"no final newline\r\n",
        ]
    )


def test_starttls_and_auth(running: Running) -> None:
    context = ssl.create_default_context(cafile=str(running.folder / "ca.pem"))
    with smtplib.SMTP("localhost", running.smtp, timeout=20) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        with pytest.raises(smtplib.SMTPNotSupportedError):
            client.login("anna", "secret")
        client.starttls(context=context)
        with pytest.raises(smtplib.SMTPAuthenticationError) as wrong:
            client.login("anna", "wrong")
        assert wrong.value.smtp_code == 535
        client.login("anna", "secret")
        client.sendmail("anna@example.com", ["bert@example.com"], b"text\r\n")
    (stored,) = running.stop()["bert@example.com"]
    assert re.search(
        rb"^Received: from \S+ \(\[127\.0\.0\.1\]\)\r\n"
        rb"\t\(using TLSv1\.3 with cipher TLS_\w+\)\r\n"
        rb"\tby localhost \(pop3gw\) with ESMTPSA id \w+\.1\r\n",
        stored,
        re.MULTILINE,
    )


def test_plaintext_after_starttls_ends_the_connection(running: Running) -> None:
    with socket.create_connection(("127.0.0.1", running.smtp), 20) as client:
        assert client.recv(1000).startswith(b"220")
        client.sendall(b"STARTTLS\r\nRSET\r\n")
        assert client.recv(1000) == b""


def test_refusals(running: Running) -> None:
    with smtplib.SMTP("127.0.0.1", running.smtp, timeout=20) as client:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            client.sendmail("a@client.example", ["nobody@example.com", "x@foreign.example"], b"x")
        codes = {address: code for address, (code, _) in refused.value.recipients.items()}
        assert codes == {"nobody@example.com": 550, "x@foreign.example": 550}
        with pytest.raises(smtplib.SMTPDataError) as bad:
            client.sendmail("a@client.example", ["anna@example.com"], b"NUL \0")
        assert bad.value.smtp_code == 554
        client.sendmail("a@client.example", ["anna@example.com"], b"good")
    assert len(running.stop()["anna@example.com"]) == 1


def test_lmtp(running: Running) -> None:
    with smtplib.LMTP("127.0.0.1", running.lmtp) as client:
        client.sendmail("a@client.example", ["anna@example.com"], b"text")
        client.docmd("MAIL FROM:<a@client.example>")
        client.docmd("RCPT TO:<anna@example.com>")
        client.docmd("RCPT TO:<bert@example.com>")
        assert client.data(b"for two")[0] == 250
        assert client.getreply()[0] == 250
    stored = running.stop()
    assert len(stored["anna@example.com"]) == 2
    assert b" with LMTP id " in stored["bert@example.com"][0]


def test_a_client_that_vanishes_leaves_nothing(running: Running) -> None:
    with socket.create_connection(("127.0.0.1", running.smtp), 20) as client:
        client.sendall(
            b"EHLO x.example\r\nMAIL FROM:<a@client.example>\r\n"
            b"RCPT TO:<anna@example.com>\r\nDATA\r\nhalf a message\r\n"
        )
        received = b""
        while b"354" not in received:
            received += client.recv(1000)
    with smtplib.SMTP("127.0.0.1", running.smtp, timeout=20) as client:
        client.sendmail("a@client.example", ["anna@example.com"], b"whole")
    (stored,) = running.stop()["anna@example.com"]
    assert without_trace(stored) == b"whole\r\n"
