"""One maildrop, one session: over real sockets, with one gateway and with two on one folder."""

from __future__ import annotations

import poplib
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.interop.gateway import Account, Gateway

TAKEOVER = """
[auth]
plaintext = "loopback"
[pop3]
takeover_seconds = 1
[store]
kind = "maildir"
"""
ELSEWHERE = "127.0.0.2"
LARGE = 24 * 1024 * 1024


class Box(poplib.POP3):
    """A client that may come from any address of this machine."""

    source = "127.0.0.1"

    def _create_socket(self, timeout: float) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout, (self.source, 0))


def connect(gateway: Gateway, source: str = "127.0.0.1") -> Box:
    kind = type("BoxFrom", (Box,), {"source": source})
    return kind("127.0.0.1", gateway.ports["pop3"], timeout=30)


def log_in(gateway: Gateway, account: Account, source: str = "127.0.0.1") -> Box:
    box = connect(gateway, source)
    box.user(account.address)
    box.pass_(account.password)
    return box


class Meanwhile(threading.Thread):
    """A call in a thread of its own."""

    def __init__(self, call: Callable[..., Any], *arguments: Any) -> None:
        super().__init__(daemon=True)
        self._call = lambda: call(*arguments)
        self._result: Any = None
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._result = self._call()
        except BaseException as error:
            self._error = error

    def result(self) -> Any:
        self.join(30)
        assert not self.is_alive(), "it does not come to an end"
        if self._error is not None:
            raise self._error
        return self._result


def wait_until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.05)


def assert_cut(box: poplib.POP3) -> None:
    with pytest.raises((OSError, poplib.error_proto)):
        box.noop()
    box.close()


def put(gateway: Gateway, account: Account, octets: bytes) -> None:
    new = gateway.mailbox(account) / "new"
    new.mkdir(parents=True, exist_ok=True)
    new.joinpath("1700000000.M1P1.elsewhere").write_bytes(octets)


@contextmanager
def two_gateways(tmp_path: Path) -> Iterator[tuple[Gateway, Gateway]]:
    """Two processes on the same data folder."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with Gateway(tmp_path / "one", configuration=TAKEOVER) as one:
        (tmp_path / "two" / "pop3gw-data").symlink_to(one.data)
        with Gateway(tmp_path / "two", configuration=TAKEOVER) as two:
            yield one, two


def waits(gateway: Gateway, user: str) -> bool:
    """Say whether somebody has connected who is not logged in yet."""
    rows = gateway.admin_json("session", "list", "--json")
    return any(row["user"] is None for row in rows) and any(row["user"] == user for row in rows)


# One process ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_in_use_after_ten_seconds_says_since_when_and_from_where(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        (account,) = gateway.add_accounts(1)
        holder = log_in(gateway, account, ELSEWHERE)
        for _ in range(2):  # a second time: it counted as no wrong password
            with pytest.raises(poplib.error_proto) as refused:
                log_in(gateway, account)
            text = str(refused.value)
            assert "-ERR [IN-USE]" in text
            assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d", text), text
            assert ELSEWHERE in text
        holder.quit()
        log_in(gateway, account).quit()
        assert "wrong user name or password" not in gateway.log


def test_a_silent_session_is_taken_over_without_an_update(tmp_path: Path) -> None:
    with Gateway(tmp_path, configuration=TAKEOVER) as gateway:
        (account,) = gateway.add_accounts(1)
        put(gateway, account, b"Subject: a\n\nb\n")
        old = log_in(gateway, account)
        old.dele(1)
        time.sleep(1.2)
        new = log_in(gateway, account)
        assert new.stat()[0] == 1
        assert_cut(old)
        new.noop()
        new.quit()
        assert "taken over by another login" in gateway.log


@pytest.mark.slow
def test_a_silent_session_from_another_address_is_left_alone(tmp_path: Path) -> None:
    with Gateway(tmp_path, configuration=TAKEOVER) as gateway:
        (account,) = gateway.add_accounts(1)
        old = log_in(gateway, account, ELSEWHERE)
        time.sleep(1.2)
        login = Meanwhile(log_in, gateway, account)
        wait_until(lambda: waits(gateway, account.address))
        old.noop()
        old.quit()
        login.result().quit()


def test_a_reset_connection_makes_room_at_once(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        (account,) = gateway.add_accounts(1)
        old = log_in(gateway, account, ELSEWHERE)
        old.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        old.close()
        log_in(gateway, account).quit()


@pytest.mark.slow
def test_a_long_retrieval_is_not_taken_over(tmp_path: Path) -> None:
    with Gateway(tmp_path, configuration=TAKEOVER) as gateway:
        (account,) = gateway.add_accounts(1)
        line = b"x" * 998 + b"\r\n"
        put(gateway, account, line * (LARGE // 1000))
        slow = log_in(gateway, account)
        slow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        slow.sock.sendall(b"RETR 1\r\n")
        octets = len(slow.sock.recv(65536))
        login: Meanwhile | None = None
        until = time.monotonic() + 6
        while time.monotonic() < until:
            octets += len(slow.sock.recv(8192))
            time.sleep(0.25)
            if login is None and time.monotonic() > until - 3:
                login = Meanwhile(log_in, gateway, account)
        assert octets < LARGE, "the message was too small for this test"
        end = b""
        while not end.endswith(b"\r\n.\r\n"):
            block = slow.sock.recv(1 << 20)
            assert block, "the retrieval was broken off"
            octets += len(block)
            end = (end + block)[-5:]
        slow.sock.sendall(b"QUIT\r\n")
        assert octets > LARGE // 1000 * 1000
        assert login is not None
        login.result().quit()


# Several processes ---------------------------------------------------------------------------


def test_processes_exclude_one_another_and_take_over(tmp_path: Path) -> None:
    with two_gateways(tmp_path) as (one, two):
        (account,) = one.add_accounts(1)
        put(one, account, b"Subject: a\n\nb\n")
        holder = log_in(one, account, ELSEWHERE)
        login = Meanwhile(log_in, two, account)
        wait_until(lambda: waits(one, account.address))
        holder.dele(1)
        holder.quit()
        second = login.result()
        assert second.stat()[0] == 0
        second.quit()

        old = log_in(two, account)
        time.sleep(1.2)
        new = log_in(one, account)
        assert_cut(old)
        new.quit()


def test_list_and_kick_across_processes(tmp_path: Path) -> None:
    with two_gateways(tmp_path) as (one, two):
        anna, bert = one.add_accounts(2)
        boxes = [log_in(one, anna), log_in(two, bert, ELSEWHERE)]
        rows = one.admin_json("session", "list", "--json")
        assert [(row["user"], row["host"]) for row in rows] == [
            (anna.address, "127.0.0.1"),
            (bert.address, ELSEWHERE),
        ]
        assert len({row["process"] for row in rows}) == 2
        assert all(row["silent"] < 60 and row["protocol"] == "pop3" for row in rows)
        assert one.admin_json("session", "list", bert.address, "--json") == [
            {**rows[1], "silent": pytest.approx(rows[1]["silent"], abs=30)}
        ]
        assert b"ended 1 session" in one.admin("session", "kick", rows[0]["id"]).stdout
        assert_cut(boxes[0])
        boxes[1].noop()
        assert b"ended 1 session" in one.admin("session", "kick", ELSEWHERE).stdout
        assert_cut(boxes[1])
        again = log_in(two, anna)
        one.admin("session", "kick", anna.address)
        assert_cut(again)
        assert b"no session of" in one.admin("session", "kick", anna.address, status=1).stderr
        assert one.admin_json("session", "list", "--json") == []


def test_no_gateway_runs(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    gateway.admin("domain", "add", "example.org")
    assert b"no gateway runs on" in gateway.admin("session", "list", status=1).stderr
