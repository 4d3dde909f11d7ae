"""Kill -9 while the room of deleted messages is given back: the next start goes on with it."""

from __future__ import annotations

import signal
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from gateway.store.offline import offline_store
from tests.interop.gateway import ROOT, Gateway
from tests.interop.mail import read_all
from tests.programs import run
from tests.store.offline import put

SMALL, LARGE = 600, 5
KEPT = b"Subject: kept\r\n\r\n"
SECONDS = 60

DELETE = """
import os, signal, sys
from pathlib import Path
from gateway.store.offline import offline_store
from gateway.store.sqlite.large import LargeFiles

data, mailbox, method, call = sys.argv[1:]
going_on = getattr(LargeFiles, method)
calls = []

def until_killed(*arguments):
    calls.append(method)
    if len(calls) == int(call):
        os.kill(os.getpid(), signal.SIGKILL)
    return going_on(*arguments)

setattr(LargeFiles, method, until_killed)
with offline_store("sqlite", Path(data)) as store, store.maildrop(mailbox) as held:
    held.remove(list(range(len(held.maildrop.snapshot) - 1)))
"""


def fill(data: Path, mailbox: str) -> None:
    with offline_store("sqlite", data) as store:
        for number in range(SMALL + LARGE):
            body = b"small\r\n" if number < SMALL else b"large\r\n" * 20_000
            put(store, (mailbox,), (body[:70_000], body[70_000:]))
        put(store, (mailbox,), (KEPT,))


def counted(data: Path, table: str) -> int:
    with closing(sqlite3.connect(data / "sqlite" / "mail.sqlite", timeout=SECONDS)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def large_files(data: Path) -> int:
    return sum(path.is_file() for path in (data / "sqlite" / "large").rglob("*"))


@pytest.mark.parametrize(("method", "call"), [("sweep", 1), ("sweep", 3), ("_remove", 1)])
def test_the_next_start_removes_what_is_dead(tmp_path: Path, method: str, call: int) -> None:
    with Gateway(tmp_path, store="sqlite") as gateway:
        (account,) = gateway.add_accounts(1)
        gateway.stop()
        fill(gateway.data, account.address)
        assert large_files(gateway.data) == LARGE
        arguments = [str(gateway.data), account.address, method, str(call)]
        command = [sys.executable, "-c", DELETE, *arguments]
        run(command, env={"PYTHONPATH": str(ROOT)}, status=-signal.SIGKILL)
        dead = counted(gateway.data, "bodies WHERE copies <= 0")
        assert dead + counted(gateway.data, "dead_files")

        gateway.start()
        assert read_all(gateway, account) == [KEPT]
        deadline = time.monotonic() + SECONDS
        while counted(gateway.data, "bodies") > 1 or counted(gateway.data, "dead_files"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert counted(gateway.data, "contents") == 1
        assert large_files(gateway.data) == 0
        gateway.stop()
        gateway.admin("store", "check")
