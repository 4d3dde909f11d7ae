"""A client whose machine vanishes as when its plug is pulled: it has a network of its own."""

from __future__ import annotations

import os
import poplib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.gateway import Account, Gateway
from tests.programs import require_program, run

OURS, THEIRS = "10.213.77.1", "10.213.77.2"
SECONDS = 100
"""About a minute, and what a busy machine adds."""

CLIENT = """
import poplib, sys, time
host, port, *accounts = sys.argv[1:]
boxes = []
for account in accounts:
    name, password = account.split("=")
    box = poplib.POP3(host, int(port), timeout=10)
    box.user(name)
    box.pass_(password)
    boxes.append(box)
boxes[1].sock.sendall(b"RETR 1\\r\\n")
print(len(boxes[1].sock.recv(1000)), flush=True)
time.sleep(600)
"""


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Give a network namespace that reaches this one by a pair of links."""
    ip = require_program("ip")
    if os.geteuid() != 0:
        pytest.skip("only root can make a network namespace")
    name, link = f"half-open-{os.getpid()}", f"ho{os.getpid()}"[:13]
    run([ip, "netns", "add", name])
    try:
        run([ip, "link", "add", f"{link}a", "type", "veth", "peer", f"{link}b", "netns", name])
        run([ip, "address", "add", f"{OURS}/30", "dev", f"{link}a"])
        run([ip, "link", "set", f"{link}a", "up"])
        inside = [ip, "-n", name]
        run([*inside, "address", "add", f"{THEIRS}/30", "dev", f"{link}b"])
        run([*inside, "link", "set", f"{link}b", "up"])
        yield name
    finally:
        run([ip, "netns", "delete", name])


@pytest.mark.slow
def test_sessions_of_a_machine_that_vanished_end_by_themselves(
    elsewhere: str, tmp_path: Path
) -> None:
    """One of them is silent (keepalive), one is in the middle of a message (user timeout)."""
    with Gateway(
        tmp_path,
        options=["--pop3", f"tcp:0:interface={OURS}"],
        configuration='[auth]\nplaintext = "always"\n[store]\nkind = "maildir"\n',
    ) as gateway:
        accounts = gateway.add_accounts(2)
        new = gateway.mailbox(accounts[1]) / "new"
        new.mkdir(parents=True)
        new.joinpath("1700000000.M1P1.elsewhere").write_bytes(b"x" * 40_000_000)
        port = str(gateway.ports["pop3"])
        words = [f"{one.address}={one.password}" for one in accounts]
        command = ["ip", "netns", "exec", elsewhere, sys.executable, "-c", CLIENT]
        client = subprocess.Popen([*command, OURS, port, *words], stdout=subprocess.PIPE)
        try:
            assert client.stdout is not None
            assert int(client.stdout.readline()) > 0
            run(["ip", "-n", elsewhere, "link", "set", "lo", "down"])
            links = run(["ip", "-n", elsewhere, "-o", "link"]).stdout.decode()
            name = next(word for word in links.split() if word.startswith("ho")).partition("@")[0]
            run(["ip", "-n", elsewhere, "link", "set", name, "down"])
            for account in accounts:
                assert "IN-USE" in _refusal(gateway, account)
            deadline = time.monotonic() + SECONDS
            for account in accounts:
                while (refusal := _refusal(gateway, account)) and time.monotonic() < deadline:
                    assert "IN-USE" in refusal
                assert not refusal
        finally:
            client.kill()
            client.communicate(timeout=10)


def _refusal(gateway: Gateway, account: Account) -> str:
    """Log in and out; return what was said against it."""
    box = poplib.POP3(OURS, gateway.ports["pop3"], timeout=30)
    try:
        box.user(account.address)
        box.pass_(account.password)
    except poplib.error_proto as error:
        return str(error)
    finally:
        box.quit()
    return ""
