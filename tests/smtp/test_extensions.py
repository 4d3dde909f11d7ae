"""EHLO lists exactly what works in the state that the session is in."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from twisted.internet.interfaces import ISSLTransport
from zope.interface import alsoProvides

from gateway.smtp.extensions import EXTENSIONS
from tests.smtp.server import Connection, Server, codes_of

PLAIN = b"AUTH PLAIN " + base64.b64encode(b"\0anna\0secret") + b"\r\n"


def accepted(octets: bytes, *expected: str) -> Callable[[Connection, Server], bool]:
    """A probe: these commands are answered so where the extension works."""

    def probe(client: Connection, server: Server) -> bool:
        client.protocol.dataReceived(octets)
        server.settle()
        return codes_of(client.transport.take()) == list(expected)

    return probe


def mail_with(parameter: bytes) -> Callable[[Connection, Server], bool]:
    return accepted(b"MAIL FROM:<a@client.example> " + parameter + b"\r\n", "250 2.1.0")


MAIL = b"MAIL FROM:<a@client.example>\r\n"
RCPT = b"RCPT TO:<anna@example.com>\r\n"
PROBES = {
    "PIPELINING": accepted(b"NOOP\r\nNOOP\r\n", "250 2.0.0", "250 2.0.0"),
    "SIZE": mail_with(b"SIZE=1"),
    "8BITMIME": mail_with(b"BODY=8BITMIME"),
    "ENHANCEDSTATUSCODES": accepted(b"NOOP\r\n", "250 2.0.0"),
    "CHUNKING": accepted(MAIL + RCPT + b"BDAT 1\r\nx", "250 2.1.0", "250 2.1.5", "250 2.0.0"),
    "SMTPUTF8": mail_with(b"SMTPUTF8"),
    "LIMITS": accepted(MAIL + RCPT * 3, "250 2.1.0", *["250 2.1.5"] * 2, "452 4.5.3"),
    "HELP": accepted(b"HELP\r\n", "214 2.0.0"),
    "STARTTLS": accepted(b"STARTTLS\r\n", "220 2.0.0"),
    "REQUIRETLS": mail_with(b"REQUIRETLS"),
    "AUTH": accepted(PLAIN, "235 2.7.0"),
}
NEVER = {
    "BINARYMIME": mail_with(b"BODY=BINARYMIME"),
    "DSN": mail_with(b"RET=HDRS"),
    "DELIVERBY": mail_with(b"BY=120;R"),
    "ETRN": accepted(b"ETRN example.com\r\n", "250 2.0.0"),
    "EXPN": accepted(b"EXPN anna\r\n", "250 2.0.0"),
}

STATES: dict[str, tuple[dict[str, str], str]] = {
    "a stranger": ({}, ""),
    "a stranger who may start TLS": ({"tls": ""}, ""),
    "over TLS": ({"tls": ""}, "tls"),
    "logged in": ({"tls": ""}, "tls login"),
    "passwords without TLS": ({"plaintext": "always"}, ""),
    "logged in without TLS": ({"plaintext": "always"}, "login"),
    "nothing to log in to": ({"no-portal": "", "tls": ""}, "tls"),
    "without SMTPUTF8": ({"ascii": ""}, ""),
    "LMTP": ({"lmtp": "", "no-portal": ""}, ""),
    "LMTP over TLS": ({"lmtp": "", "no-portal": "", "tls": ""}, "tls"),
}


def greeted(options: dict[str, str], history: str) -> tuple[Connection, Server, list[str]]:
    """A session with a history, and the keywords that it is told."""
    server = Server({**options, "recipients": "2"})
    client = server.connect()
    if "tls" in history:
        assert client.codes(b"STARTTLS\r\n") == ["220 2.0.0"]
        alsoProvides(client.transport, ISSLTransport)
        client.protocol.handshakeCompleted()
    hello = b"LHLO x\r\n" if "lmtp" in options else b"EHLO x\r\n"
    told = client.say(hello)
    if "login" in history:
        assert PROBES["AUTH"](client, server)
        told = client.say(hello)
    lines = told.decode().splitlines()[1:]
    return client, server, [line[4:].split()[0] for line in lines]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("keyword", [*PROBES, *NEVER])
def test_what_is_listed_works_and_nothing_else_does(keyword: str, state: str) -> None:
    client, server, listed = greeted(*STATES[state])
    works = {**PROBES, **NEVER}[keyword](client, server)
    assert works == (keyword in listed)


def test_each_extension_is_probed() -> None:
    assert [extension.keyword for extension in EXTENSIONS] == list(PROBES)


def test_requiretls_reaches_the_delivery() -> None:
    client, server, _ = greeted(*STATES["over TLS"])
    client.say(b"MAIL FROM:<a@client.example> REQUIRETLS\r\n" + RCPT + b"BDAT 0 LAST\r\n")
    client.say(MAIL + RCPT + b"BDAT 0 LAST\r\n")
    assert [given.requiretls for given in server.store.attributes] == [True, False]


@pytest.mark.parametrize(
    ("messages", "line"), [(0, "LIMITS RCPTMAX=1000"), (7, "LIMITS MAILMAX=7 RCPTMAX=1000")]
)
def test_limits_name_only_what_is_limited(messages: int, line: str) -> None:
    server = Server({"messages": str(messages)})
    client = server.connect()
    assert f"250-{line}" in client.say(b"EHLO x\r\n").decode().splitlines()
    for _ in range(8):
        client.say(MAIL + b"RSET\r\n")
    assert client.transport.disconnecting == (messages == 7)
