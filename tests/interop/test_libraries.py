"""Net::POP3, net/pop and node-pop3: UIDL, TOP, RETR and DELE over each kind of line."""

from __future__ import annotations

import os
import poplib
import shutil
from base64 import b64decode
from pathlib import Path

import pytest

from tests.interop.gateway import Account, Gateway
from tests.interop.mail import SAMPLES, mailbox, read_all, retrieve, send
from tests.programs import require_program, run

CLIENTS = Path(__file__).parent / "clients"
ROUNDS = [
    ("perl", "pop3.pl", "clear"),
    ("perl", "pop3.pl", "stls"),
    ("perl", "pop3.pl", "pop3s"),
    ("ruby", "pop3.rb", "clear"),
    ("ruby", "pop3.rb", "pop3s"),
    ("node", "pop3.cjs", "clear"),
    ("node", "pop3.cjs", "pop3s"),
]
"""net/pop and node-pop3 have no STLS; node-pop3 does not undo dot-stuffing."""
MODULES = {
    "perl": ("-MIO::Socket::SSL", "libio-socket-ssl-perl"),
    "ruby": ("-rnet/pop", "ruby-net-pop"),
    "node": ("--require=node-pop3", "node-pop3, from npm, in NODE_PATH"),
}
"""What each needs beyond itself, and where it is."""


def _require(program: str) -> str:
    # node-pop3 is in no distribution, so that nobody is made to have it.
    path = shutil.which("node") or "node" if program == "node" else require_program(program)
    option, package = MODULES[program]
    try:
        run([path, option, "-e", "1"])
    except (OSError, pytest.fail.Exception):
        if program != "node" and os.environ.get("POP3GW_REQUIRE_CLIENTS") == "1":
            raise
        pytest.skip(f"{program} cannot be used, or lacks a module: install {package}")
    return path


def _peek(gateway: Gateway, account: Account) -> tuple[list[bytes], bytes]:
    """The unique-ids, and the first message."""
    with mailbox(gateway, account) as client:
        assert isinstance(client, poplib.POP3)
        return [line.split()[1] for line in client.uidl()[1]], retrieve(client, 1)


@pytest.mark.parametrize(("program", "script", "way"), ROUNDS)
def test_a_round(gateway: Gateway, account: Account, program: str, script: str, way: str) -> None:
    path = _require(program)
    send(gateway, [account.address], SAMPLES["eight-bit" if program == "node" else "leading-dots"])
    send(gateway, [account.address], SAMPLES["plain"])
    uidls, first = _peek(gateway, account)
    port = gateway.ports["pop3s" if way == "pop3s" else "pop3"]
    login = [account.address, account.password]
    said = run(
        [path, CLIENTS / script, way, "localhost", str(port), gateway.ca, *login], timeout=60
    ).stdout
    answers = dict(line.split(b" ", 1) for line in said.splitlines())
    assert answers[b"uidls"].split() == uidls
    header = first[: first.index(b"\r\n\r\n") + 2]
    assert _lines(b64decode(answers[b"top"])) == _lines(header)
    assert _lines(b64decode(answers[b"message"])) == _lines(first)
    (left,) = read_all(gateway, account)
    assert left.endswith(SAMPLES["plain"])


def _lines(octets: bytes) -> list[bytes]:
    # Each library has its own idea of line ends, and of a blank line at the end of a header.
    return octets.replace(b"\r\n", b"\n").rstrip(b"\n").split(b"\n")
