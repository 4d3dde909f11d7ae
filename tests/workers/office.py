"""A gateway with two workers, and how to look at them."""

from __future__ import annotations

import os
import poplib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.control.client import Answer, ask_all
from tests.interop.gateway import Account, Gateway

LISTEN = "tcp:0:interface=127.0.0.1"
CONFIGURATION = f"""
[listen]
pop3 = ["{LISTEN}"]
pop3s = ["{LISTEN}"]
smtp = ["{LISTEN}"]
[auth]
plaintext = "loopback"
failure_seconds = 0.05
throttle_delay_seconds = 0.0
[service]
workers = 2
"""


def office(folder: Path, more: str = "", **named: Any) -> Gateway:
    """A gateway with two workers, not started."""
    return Gateway(folder, options=[], configuration=CONFIGURATION + more, **named)


def wait_for(condition: Callable[[], object], what: str = "", seconds: float = 20) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what or condition
        time.sleep(0.02)


def ask(gateway: Gateway, do: str, **named: str) -> list[Answer]:
    """Ask all workers."""
    return ask_all(gateway.data / "run", {"do": do, **named})


def pids(gateway: Gateway) -> list[int]:
    """The workers that answer."""
    return sorted(answer.pid for answer in ask(gateway, "ping") if answer.values)


def connect(gateway: Gateway) -> poplib.POP3:
    return poplib.POP3("127.0.0.1", gateway.ports["pop3"], timeout=20)


def connect_to_both(gateway: Gateway, count: int) -> list[poplib.POP3]:
    """So many connections, one of them at least to each worker.

    On a machine with other work to do, one worker may be the faster one many times.
    """
    clients: list[poplib.POP3] = []
    served_by: set[int] = set()
    while len(clients) < count:
        client = connect(gateway)
        worker = worker_of(gateway, client)
        if len(clients) == count - 1 and served_by == {worker}:
            client.quit()
            continue
        clients.append(client)
        served_by.add(worker)
    return clients


def log_in(gateway: Gateway, account: Account) -> poplib.POP3:
    client = connect(gateway)
    client.user(account.address)
    client.pass_(account.password)
    return client


def sessions(gateway: Gateway) -> dict[int, list[dict[str, Any]]]:
    """The sessions of each worker."""
    return {answer.pid: answer.values["sessions"] for answer in ask(gateway, "sessions")}


def port_of(client: poplib.POP3) -> int:
    return int(client.sock.getsockname()[1])


def worker_of(gateway: Gateway, client: poplib.POP3) -> int:
    """The process that serves a connection."""
    mine = port_of(client)
    (pid,) = (
        pid for pid, rows in sessions(gateway).items() if mine in [row["port"] for row in rows]
    )
    return pid


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def end(pid: int, number: int) -> None:
    os.kill(pid, number)
