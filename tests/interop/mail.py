"""Messages that are sent and read octet by octet, with the clients of the standard library."""

from __future__ import annotations

import poplib
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.interop.gateway import Account, Gateway

TRACE_FIELDS = (b"return-path", b"received", b"delivered-to")
MEGABYTE = 1024 * 1024

_ALL_OCTETS = bytes(octet for octet in range(1, 256) if octet not in b"\r\n")

SAMPLES: dict[str, bytes] = {
    "plain": b"Subject: plain\r\n\r\nHello.\r\n",
    "eight-bit": "Subject: Grüße\r\n\r\nÄrger über Öl, 漢字, \U0001f4ec\r\n".encode(),
    "latin-1": "Subject: alt\r\n\r\nÄrger über Öl\r\n".encode("latin-1"),
    "every-octet": b"Subject: octets\r\n\r\n" + (_ALL_OCTETS + b"\r\n") * 300,
    "empty": b"",
    "one-empty-line": b"\r\n",
    "no-header": b"just text\r\n",
    "no-body": b"Subject: no body\r\n",
    "first-line-dot": b".\r\nSubject: dots\r\n\r\n.\r\n",
    "leading-dots": b"Subject: dots\r\n\r\n.\r\n..\r\n...\r\n.x\r\n\r\n.\r\n.\r\n",
    "dots-at-every-offset": b"Subject: dots\r\n\r\n"
    + b"".join(b"x" * length + b"\r\n.\r\n" for length in range(1, 400)),
    "blank-lines-at-end": b"Subject: blank\r\n\r\ntext\r\n\r\n\r\n\r\n",
    "very-long-line": b"Subject: long\r\n\r\n" + b"x" * MEGABYTE + b"\r\n.y" * 3 + b"\r\n",
    "very-long-header": b"Subject: " + b"word " * 40_000 + b"\r\n\r\nlong\r\n",
    "no-final-newline": b"Subject: unfinished\r\n\r\nno end of line",
    "folded-first-line": b" starts with a blank\r\n\r\ntext\r\n",
    "looks-like-pop3": b"+OK\r\n-ERR\r\n.\r\nQUIT\r\n",
}


class FileDrop:
    """A program for clients that hand each message they fetch to one, and what it was given.

    @param home: an existing folder.
    """

    def __init__(self, home: Path) -> None:
        self._folder = home / "drop"
        self._folder.mkdir()
        self.program = home / "deliver"
        self.program.write_text(f'#!/bin/sh\ncat > "$(mktemp {self._folder}/XXXXXX)"\n')
        self.program.chmod(0o700)

    def take(self) -> list[bytes]:
        """The messages since the last call."""
        files = list(self._folder.iterdir())
        messages = [file.read_bytes() for file in files]
        for file in files:
            file.unlink()
        return messages


def large_message(octets: int) -> bytes:
    """Make a message of about so many octets, with lines that differ and some leading dots."""
    line = b"".join(b".%07d abcdefghijklmnopqrstuvwxyz\r\n" % number for number in range(1000))
    return b"Subject: large\r\n\r\n" + line * (octets // len(line) + 1)


def finished(message: bytes) -> bytes:
    """What SMTP carries of a message: an unfinished last line is ended."""
    return message if not message or message.endswith(b"\r\n") else message + b"\r\n"


def assert_identical(received: bytes, sent: bytes) -> None:
    """Received is sent, with nothing but trace headers before it."""
    expected = finished(sent)
    cut = len(received) - len(expected)
    assert cut >= 0 and received[cut:] == expected, (
        f"{len(expected)} octets were sent, and {len(received)} came, beginning with"
        f" {received[:600]!r} and ending with {received[-200:]!r}"
    )
    trace = received[:cut]
    assert trace.endswith(b"\r\n")
    for line in trace[:-2].split(b"\r\n"):
        name = line.partition(b":")[0].lower()
        assert line[:1] in (b" ", b"\t") or name in TRACE_FIELDS, line


def trusting(gateway: Gateway) -> ssl.SSLContext:
    """A TLS context that trusts this gateway's CA, and checks the name."""
    return ssl.create_default_context(cafile=str(gateway.ca))


def send(
    gateway: Gateway,
    recipients: Sequence[str],
    message: bytes,
    *,
    sender: str = "sender@example.org",
    tls: bool = False,
) -> None:
    """Send octets over SMTP, as they are but for dot-stuffing."""
    with smtplib.SMTP("127.0.0.1", gateway.ports["smtp"], timeout=60) as client:
        if tls:
            client.starttls(context=trusting(gateway))
        client.ehlo_or_helo_if_needed()
        for code, text in [
            client.mail(sender),
            *map(client.rcpt, recipients),
            data(client, message),
        ]:
            assert code == 250, text


def data(client: smtplib.SMTP, message: bytes) -> tuple[int, bytes]:
    """Send DATA and the octets of a message; return the last reply."""
    client.putcmd("data")
    code, text = client.getreply()
    if code != 354:
        return code, text
    stuffed = message.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    client.send(finished(stuffed) + b".\r\n")
    return client.getreply()


@contextmanager
def mailbox(gateway: Gateway, account: Account) -> Iterator[poplib.POP3]:
    """A POP3 session that is logged in. It ends with QUIT."""
    client = poplib.POP3("127.0.0.1", gateway.ports["pop3"], timeout=60)
    try:
        client.user(account.address)
        client.pass_(account.password)
        yield client
    finally:
        client.quit()


def retrieve(client: poplib.POP3, number: int) -> bytes:
    """The octets of a message, whatever the length of its lines, dot-stuffing undone."""
    client._shortcmd(f"RETR {number}")  # type: ignore[attr-defined]
    file = client.file
    lines = []
    while (line := file.readline()) != b".\r\n":
        assert line, "the connection ended within a message"
        lines.append(line[1:] if line.startswith(b".") else line)
    return b"".join(lines)


def read_all(gateway: Gateway, account: Account) -> list[bytes]:
    """All messages of a user, each as long as LIST says."""
    with mailbox(gateway, account) as client:
        count, octets = client.stat()
        messages = [retrieve(client, number) for number in range(1, count + 1)]
        sizes = [int(line.split()[1]) for line in client.list()[1]]
    assert sizes == [len(message) for message in messages]
    assert octets == sum(sizes)
    return messages
