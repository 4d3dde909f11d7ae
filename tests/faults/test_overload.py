"""Beyond the limits new work is refused, work that was accepted completes, memory is bounded."""

from __future__ import annotations

import resource
import smtplib
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.interop.gateway import Account, Gateway
from tests.interop.mail import read_all

CEILING_MIB = 120
"""What docs/administrator.md states for `HALF_MESSAGES` connections."""
HALF_MESSAGES = 2000
HALF = b"Subject: half\r\n\r\n" + (b"x" * 76 + b"\r\n") * 500


def half_sent(gateway: Gateway, account: Account) -> smtplib.SMTP:
    """A client that is in the middle of a message."""
    client = smtplib.SMTP("127.0.0.1", gateway.ports["smtp"], timeout=60)
    client.ehlo("client.example.org")
    client.mail("sender@example.org")
    client.rcpt(account.address)
    client.putcmd("data")
    assert client.getreply()[0] == 354
    client.send(HALF)
    return client


def finish(client: smtplib.SMTP) -> int:
    client.send(b".\r\n")
    return int(client.getreply()[0])


def test_too_many_connections(tmp_path: Path) -> None:
    configuration = '[auth]\nplaintext = "loopback"\n[limits]\nconnections = 10\n'
    with Gateway(tmp_path, configuration=configuration) as gateway:
        (account,) = gateway.add_accounts(1)
        clients = [half_sent(gateway, account) for _ in range(10)]
        for port in (gateway.ports["smtp"], gateway.ports["pop3"]):
            with socket.create_connection(("127.0.0.1", port), timeout=20) as one_more:
                greeting = one_more.recv(1000)
                assert greeting.startswith((b"421 4.7.0", b"-ERR"))
                assert one_more.recv(1000) == b""
        assert [finish(client) for client in clients] == [250] * 10
        clients.pop().quit()
        last = half_sent(gateway, account)
        assert finish(last) == 250
        for client in (last, *clients):
            client.quit()
        assert len(read_all(gateway, account)) == 11


def resident_mib(gateway: Gateway) -> float:
    """Of the process that takes most."""
    texts = [Path(f"/proc/{pid}/status").read_text() for pid in gateway.serving()]
    return max(int(text.partition("VmRSS:")[2].split()[0]) for text in texts) / 1024


def received(gateway: Gateway) -> int:
    """Octets that no socket of ours has still to send, nor the gateway to read."""
    rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
    port = f":{gateway.ports['smtp']:04X}"
    queues = [row.split()[4] for row in rows if port in row]
    return sum(int(part, 16) for queue in queues for part in queue.split(":"))


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = HALF_MESSAGES + 500
    if before[1] < wanted:
        pytest.skip(f"needs {wanted} descriptors, the hard limit is {before[1]}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.slow
def test_memory_with_many_messages_half_sent(tmp_path: Path, many_descriptors: None) -> None:
    configuration = '[limits]\nconnections = 3000\n[auth]\nplaintext = "loopback"\n'
    with Gateway(tmp_path, configuration=configuration) as gateway, ExitStack() as stack:
        (account,) = gateway.add_accounts(1)
        clients = []
        for _ in range(HALF_MESSAGES):
            clients.append(half_sent(gateway, account))
            stack.callback(clients[-1].close)
        deadline = time.monotonic() + 60
        while received(gateway):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert resident_mib(gateway) < CEILING_MIB
        assert [finish(client) for client in clients[::100]] == [250] * (HALF_MESSAGES // 100)
