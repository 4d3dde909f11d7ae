"""s-nail reads a mailbox in place: TOP for its list, RETR to show, DELE when told to."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from tests.interop.gateway import Account, Gateway
from tests.interop.mail import SAMPLES, read_all, send
from tests.programs import require_program, run

WAYS = {
    "clear": ("pop3", []),
    "stls": ("pop3", ["pop3-use-starttls"]),
    "pop3s": ("pop3s", []),
}


class SNail:
    """s-nail on the mailbox of a user."""

    def __init__(self, gateway: Gateway, account: Account, home: Path, way: str) -> None:
        kind, more = WAYS[way]
        settings = [
            "v15-compat",
            f"tls-ca-file={gateway.ca}",
            "tls-verify=strict",
            *more,
        ]
        login = f"{quote(account.address, safe='')}:{quote(account.password, safe='')}"
        url = f"{kind}://{login}@localhost:{gateway.ports[kind]}"
        options = [part for setting in settings for part in ("-S", setting)]
        self._command = ["-:/", *options, "-f", url]
        self._home = {"HOME": str(home), "MAILRC": "/dev/null"}

    def do(self, *commands: str) -> bytes:
        """Open the mailbox, carry out commands, and leave."""
        program = [require_program("s-nail"), "-#", *self._command]
        return run(program, input="\n".join(commands) + "\n", env=self._home).stdout


@pytest.mark.parametrize("way", WAYS)
def test_keeping(gateway: Gateway, account: Account, tmp_path: Path, way: str) -> None:
    s_nail = SNail(gateway, account, tmp_path, way)
    send(gateway, [account.address], SAMPLES["plain"])
    send(gateway, [account.address], SAMPLES["leading-dots"])
    assert b"leading" not in s_nail.do("headers", "exit")
    assert b"Hello." in s_nail.do("type 1", "exit")
    assert len(read_all(gateway, account)) == 2


@pytest.mark.parametrize("way", WAYS)
def test_deleting(gateway: Gateway, account: Account, tmp_path: Path, way: str) -> None:
    send(gateway, [account.address], SAMPLES["plain"])
    send(gateway, [account.address], SAMPLES["leading-dots"])
    SNail(gateway, account, tmp_path, way).do("delete 1", "quit")
    (left,) = read_all(gateway, account)
    assert left.endswith(SAMPLES["leading-dots"])
