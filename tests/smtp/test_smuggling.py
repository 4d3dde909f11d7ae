"""SMTP smuggling: only CRLF.CRLF ends a message, and nothing in one counts as a command.

Each known form of a false end is sent in DATA and in BDAT, to a server that refuses bare newlines
and to one that normalises them, by strangers, from lenient networks and by clients that have
logged in; whole and octet by octet.
"""

from __future__ import annotations

import base64
from typing import NamedTuple

import pytest

from tests.dialogs.player import by_octet, whole
from tests.smtp.server import BEGUN, GREETED, Server, codes_of

FALSE_ENDS = {
    "LF . LF": b"\n.\n",
    "LF . CRLF": b"\n.\r\n",
    "CRLF . LF": b"\r\n.\n",
    "CR . CRLF": b"\r.\r\n",
    "CRLF . CR": b"\r\n.\r",
    "CR . CR": b"\r.\r",
    "CR . LF": b"\r.\n",
    "LF . CR": b"\n.\r",
    "CRLF . CR CRLF": b"\r\n.\r\r\n",
    "CR CRLF . CRLF": b"\r\r\n.\r\r\n",
    "CRCRLF . CRCRLF": b"\r\r\n.\r\r\n",
    "LF LF . LF LF": b"\n\n.\n\n",
    "NUL CRLF . LF": b"\0\r\n.\n",
    "CRLF NUL . CRLF": b"\r\n\0.\r\n",
    "CRLF . NUL CRLF": b"\r\n.\0\r\n",
    "CRLF . CR NUL LF": b"\r\n.\r\0\n",
    "CR NUL LF . CRLF": b"\r\0\n.\r\n",
    "CRLF . space CRLF": b"\r\n. \r\n",
    "LF LF (no dot)": b"\n\n",
    "NEL . NEL": b"\xc2\x85.\xc2\x85",
}
HARMLESS = ("CRLF . space CRLF", "NEL . NEL")
"""No bare CR or LF, no NUL: these are text."""

SMUGGLED = b"MAIL FROM:<evil@client.example>\r\nRCPT TO:<bert@example.com>\r\nDATA\r\nevil\r\n"
WAYS = {"whole": whole, "by octet": by_octet}


class Who(NamedTuple):
    """How a client and the server stand to each other."""

    options: dict[str, str]
    lenient: bool
    login: bool = False


WHO = {
    "stranger": Who({}, False),
    "normalised for all": Who({"bare_newlines": "normalise"}, True),
    "lenient network": Who({"lenient_networks": "192.0.2.0/24"}, True),
    "another network": Who({"lenient_networks": "203.0.113.0/24"}, False),
    "logged in": Who({"plaintext": "always"}, True, login=True),
}
LOGIN = b"AUTH PLAIN " + base64.b64encode(b"\0anna\0secret") + b"\r\n"


def normalised(octets: bytes) -> bytes:
    return octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def unstuffed(octets: bytes) -> bytes:
    """What the rule of RFC 5321 section 4.5.2 makes of the lines that CRLF ends."""
    return octets.replace(b"\r\n.", b"\r\n")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("command", ["DATA", "BDAT"])
@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("form", FALSE_ENDS)
def test_nothing_is_smuggled(form: str, who: str, command: str, way: str) -> None:
    options, lenient, login = WHO[who]
    server = Server(options)
    client = server.connect()
    client.say(GREETED)
    if login:
        client.protocol.dataReceived(LOGIN)
        server.settle()
        assert client.transport.take().startswith(b"235 ")
    text = b"first" + FALSE_ENDS[form] + SMUGGLED
    if command == "DATA":
        client.say(BEGUN + b"DATA\r\n")
        sent = text + b".\r\n"
        message = unstuffed(text)
    else:
        client.say(BEGUN)
        sent = b"BDAT %d LAST\r\n" % len(text) + text
        message = text
    for segment in WAYS[way](sent + b"NOOP\r\n"):
        client.protocol.dataReceived(segment)
    replies = codes_of(client.transport.take())
    stored = server.stored()
    if form in HARMLESS:
        assert replies == ["250 2.0.0", "250 2.0.0"]
        assert stored == [message]
    elif lenient and "NUL" not in form:
        assert replies == ["250 2.0.0", "250 2.0.0"]
        assert stored == [normalised(message)]
    else:
        assert replies == ["554 5.6.0", "250 2.0.0"]
        assert stored == []
    assert server.stored("bert@example.com") == []
    client.lose()
    server.check_clean()


@pytest.mark.parametrize("way", WAYS)
def test_a_chunk_that_ends_between_cr_and_lf_hides_no_bare_one(way: str) -> None:
    server = Server()
    client = server.connect()
    client.say(GREETED + BEGUN)
    for segment in WAYS[way](b"BDAT 2\r\na\rBDAT 3\r\n\n.\rBDAT 1 LAST\r\n\nNOOP\r\n"):
        client.protocol.dataReceived(segment)
    assert codes_of(client.transport.take()) == ["250 2.0.0"] * 4
    assert server.stored() == [b"a\r\n.\r\n"]


@pytest.mark.parametrize("way", WAYS)
def test_the_octets_of_a_chunk_are_counted_not_read(way: str) -> None:
    server = Server()
    client = server.connect()
    client.say(GREETED + BEGUN)
    text = b"x\r\n.\r\nRSET\r\nBDAT 0 LAST\r\n"
    for segment in WAYS[way](b"BDAT %d\r\n" % len(text) + text + b"BDAT 0 LAST\r\nNOOP\r\n"):
        client.protocol.dataReceived(segment)
    assert codes_of(client.transport.take()) == ["250 2.0.0"] * 3
    assert server.stored() == [text]
