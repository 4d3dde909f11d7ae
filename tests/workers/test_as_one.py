"""All workers look like one: sessions, bans, limits, quotas, whoever serves a connection."""

from __future__ import annotations

import os
import poplib
import signal
import socket
import threading
from pathlib import Path

import pytest

from tests.interop.gateway import Account, Gateway
from tests.interop.mail import send
from tests.workers.office import (
    connect,
    connect_to_both,
    log_in,
    office,
    pids,
    wait_for,
    worker_of,
)

PROXIED = '[net]\nproxies = ["127.0.0.1"]\n'


def spread(gateway: Gateway, account: Account) -> dict[int, poplib.POP3]:
    """A connection to each worker."""
    found: dict[int, poplib.POP3] = {}
    while len(found) < 2:
        client = connect(gateway)
        found.setdefault(worker_of(gateway, client), client)
    return found


def test_a_maildrop_has_one_session(tmp_path: Path) -> None:
    with office(tmp_path) as gateway:
        (account,) = gateway.add_accounts(1)
        first, second = spread(gateway, account).values()
        first.user(account.address)
        first.pass_(account.password)
        second.user(account.address)
        with pytest.raises(poplib.error_proto, match="IN-USE"):
            second.pass_(account.password)
        first.quit()
        second.user(account.address)
        assert second.pass_(account.password).startswith(b"+OK")
        second.quit()


def test_a_silent_session_gives_way_to_one_in_another_worker(tmp_path: Path) -> None:
    with office(tmp_path, "[pop3]\ntakeover_seconds = 1\n") as gateway:
        (account,) = gateway.add_accounts(1)
        first, second = spread(gateway, account).values()
        first.user(account.address)
        first.pass_(account.password)
        threading.Event().wait(1.2)
        second.user(account.address)
        assert second.pass_(account.password).startswith(b"+OK")
        with pytest.raises((poplib.error_proto, OSError)):
            first.noop()
        second.quit()


def test_the_command_sees_and_ends_the_sessions_of_all(tmp_path: Path) -> None:
    with office(tmp_path) as gateway:
        accounts = gateway.add_accounts(4)
        clients = connect_to_both(gateway, len(accounts))
        for account, client in zip(accounts, clients, strict=True):
            client.user(account.address)
            client.pass_(account.password)
        rows = gateway.admin_json("session", "list", "--json")
        assert {row["user"] for row in rows} == {account.address for account in accounts}
        assert {row["process"] for row in rows} == set(pids(gateway))
        for account, client in zip(accounts, clients, strict=True):
            gateway.admin("session", "kick", account.address)
            with pytest.raises((poplib.error_proto, OSError)):
                client.noop()
        assert gateway.admin_json("session", "list", "--json") == []
        assert gateway.process is not None
        check = gateway.admin("check", status=None).stdout.decode()
        for pid in pids(gateway):
            assert f"runs, process {pid}, a worker of process {gateway.process.pid}" in check
        port = gateway.ports["pop3"]
        assert f"tcp:{port}" not in check or "held by this folder's own gateway" in check


def refused(gateway: Gateway) -> bool:
    """Whether a new connection is turned away."""
    with socket.create_connection(("127.0.0.1", gateway.ports["pop3"]), 20) as client:
        return client.recv(1000).startswith(b"-ERR")


def test_connections_are_limited_in_all(tmp_path: Path) -> None:
    with office(tmp_path, "[limits]\nconnections = 5\n") as gateway:
        clients = connect_to_both(gateway, 5)
        assert all(refused(gateway) for _ in range(6))
        clients.pop().quit()
        wait_for(lambda: not refused(gateway))


def test_many_at_once_find_exactly_as_many_places_as_there_are(tmp_path: Path) -> None:
    with office(tmp_path, "[limits]\nconnections = 7\n") as gateway:
        for _ in range(5):
            clients = []
            for _ in range(40):
                clients.append(socket.socket())
                clients[-1].settimeout(20)
                clients[-1].setblocking(False)
                clients[-1].connect_ex(("127.0.0.1", gateway.ports["pop3"]))
            greetings = []
            for client in clients:
                client.setblocking(True)
                greetings.append(client.recv(1000)[:3])
            assert greetings.count(b"+OK") == 7
            for client in clients:
                client.close()
            wait_for(lambda: gateway.admin_json("session", "list", "--json") == [])


def test_a_killed_workers_connections_count_no_more(tmp_path: Path) -> None:
    with office(tmp_path, "[limits]\nconnections = 4\n") as gateway:
        clients = [connect(gateway) for _ in range(4)]
        assert refused(gateway)
        served_by = [worker_of(gateway, client) for client in clients]
        victim = served_by[0]
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: len(pids(gateway)) == 2 and victim not in pids(gateway))
        more = [connect(gateway) for _ in range(served_by.count(victim))]
        assert refused(gateway)
        for client in more:
            client.quit()


def from_address(gateway: Gateway, address: str) -> tuple[socket.socket, bytes]:
    client = socket.create_connection(("127.0.0.1", gateway.ports["pop3"]), 20)
    client.sendall(f"PROXY TCP4 {address} 198.51.100.5 4711 110\r\n".encode())
    return client, client.recv(1000)


def test_connections_from_one_address_are_limited(tmp_path: Path) -> None:
    more = PROXIED + "[limits]\nconnections_per_address = 3\n"
    with office(tmp_path, more) as gateway:
        first = [from_address(gateway, "192.0.2.7") for _ in range(6)]
        assert [greeting[:3] for _, greeting in first] == [b"+OK"] * 3 + [b"-ER"] * 3
        others = [from_address(gateway, f"192.0.2.{last}") for last in range(8, 12)]
        assert {greeting[:3] for _, greeting in others} == {b"+OK"}
        for client, _ in (*first, *others):
            client.close()


def guess(gateway: Gateway, account: Account, password: str) -> str:
    client = connect(gateway)
    try:
        client.user(account.address)
        client.pass_(password)
    except poplib.error_proto as error:
        return str(error)
    finally:
        client.close()
    return "in"


def test_guesses_are_counted_over_all(tmp_path: Path) -> None:
    with office(tmp_path) as gateway:
        (account,) = gateway.add_accounts(1)
        answers: list[str] = []
        # Many at once: none of them finds the others in the file yet.
        guessers = [
            threading.Thread(
                target=lambda at=at: answers.append(guess(gateway, account, f"no {at}"))
            )
            for at in range(40)
        ]
        for guesser in guessers:
            guesser.start()
        for guesser in guessers:
            guesser.join(30)
        assert len(answers) == 40
        assert gateway.log.count("login failed") >= 10
        looked_at = gateway.log.count('reason="wrong password"')
        assert looked_at <= 10, gateway.log
        (ban,) = gateway.admin_json("bans", "list", "--json")
        assert ban["user"] == account.address
        assert {guess(gateway, account, account.password) for _ in range(6)} != {"in"}
        gateway.admin("bans", "clear", account.address)
        wait_for(lambda: guess(gateway, account, account.password) == "in")


def test_login_delay_holds_over_all(tmp_path: Path) -> None:
    with office(tmp_path, "[pop3]\nlogin_delay_seconds = 60\n") as gateway:
        (account,) = gateway.add_accounts(1)
        log_in(gateway, account).quit()
        for _ in range(6):
            with pytest.raises(poplib.error_proto, match="LOGIN-DELAY"):
                log_in(gateway, account)


def test_a_quota_holds_over_all(tmp_path: Path) -> None:
    with office(tmp_path) as gateway:
        (account,) = gateway.add_accounts(1)
        gateway.admin("user", "set", account.address, "quota_messages", "7")
        answers = []
        for _ in range(20):
            try:
                send(gateway, [account.address], b"Subject: x\r\n\r\ntext\r\n")
            except AssertionError as error:
                assert "mailbox is full" in str(error)
                answers.append("full")
            else:
                answers.append("stored")
        assert answers == ["stored"] * 7 + ["full"] * 13
