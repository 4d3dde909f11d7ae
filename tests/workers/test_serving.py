"""Several workers over real sockets: they share the work, and the death of one is its own."""

from __future__ import annotations

import os
import poplib
import signal
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.gateway import Gateway
from tests.interop.mail import read_all, send
from tests.workers.office import (
    connect,
    connect_to_both,
    lives,
    log_in,
    office,
    pids,
    sessions,
    wait_for,
    worker_of,
)

STORES = ["maildir", pytest.param("sqlite", marks=pytest.mark.slow)]


@pytest.fixture(params=STORES)
def gateway(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Gateway]:
    with office(tmp_path, store=request.param) as running:
        yield running


def test_both_serve_and_say_once_that_they_are_ready(gateway: Gateway) -> None:
    assert gateway.process is not None
    assert pids(gateway) == sorted(gateway.workers())
    assert len(pids(gateway)) == 2
    assert gateway.log.count("pop3gw is ready") == 1
    assert gateway.log.count("listening pop3 ") == 1
    clients = connect_to_both(gateway, 4)
    assert all(sessions(gateway).values())
    for client in clients:
        client.quit()


def test_short_sessions_are_shared_too(gateway: Gateway) -> None:
    (account,) = gateway.add_accounts(1)
    seen: set[int] = set()

    def both_serve() -> bool:
        client = log_in(gateway, account)
        seen.add(worker_of(gateway, client))
        client.quit()
        return seen == set(pids(gateway))

    wait_for(both_serve, "both serve")


def test_a_worker_that_is_killed_costs_its_own_connections(gateway: Gateway) -> None:
    clients = {client: worker_of(gateway, client) for client in [connect(gateway) for _ in "abcd"]}
    before = pids(gateway)
    victim = before[0]
    os.kill(victim, signal.SIGKILL)
    for client, pid in clients.items():
        if pid == victim:
            with pytest.raises((poplib.error_proto, OSError)):
                client.noop()
        else:
            assert client._shortcmd("CAPA").startswith(b"+OK")  # type: ignore[attr-defined]
    wait_for(lambda: len(pids(gateway)) == 2, "a successor")
    assert victim not in pids(gateway)
    assert before[1] in pids(gateway)
    assert f'ended process={victim} how="killed by SIGKILL" replaced_in=0.0' in gateway.log
    seen: set[int] = set()

    def both_serve() -> bool:
        # The successor answers commands a moment before it takes connections.
        seen.add(worker_of(gateway, connect(gateway)))
        return seen == set(pids(gateway))

    wait_for(both_serve, "both serve")


def test_all_die_at_once_again_and_again(gateway: Gateway) -> None:
    for _ in range(3):
        before = pids(gateway)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda before=before: len(set(pids(gateway)) - set(before)) == 2)  # type: ignore[misc]
    connect(gateway).quit()


def test_mail_flows_while_workers_are_killed(gateway: Gateway) -> None:
    (account,) = gateway.add_accounts(1)
    stored, stop = [], threading.Event()

    def deliver() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            try:
                send(gateway, [account.address], b"Subject: %d\r\n\r\ntext\r\n" % number)
            except OSError:
                continue  # its worker was killed
            stored.append(number)

    sender = threading.Thread(target=deliver)
    sender.start()
    for _ in range(3):
        wait_for(lambda: len(pids(gateway)) == 2)
        have = len(stored)
        wait_for(lambda have=have: len(stored) > have + 5)  # type: ignore[misc]
        os.kill(pids(gateway)[0], signal.SIGKILL)
    stop.set()
    sender.join(20)
    found = [message.partition(b"Subject: ")[2] for message in read_all(gateway, account)]
    for number in stored:
        assert sum(text.startswith(b"%d\r" % number) for text in found) == 1


def test_one_that_ends_at_once_again_and_again_waits(gateway: Gateway) -> None:
    for _ in range(3):
        wait_for(lambda: len(pids(gateway)) == 2)
        os.kill(pids(gateway)[-1], signal.SIGKILL)
        wait_for(lambda: len(pids(gateway)) == 1)
        connect(gateway).quit()
    wait_for(lambda: "replaced_in=0.5" in gateway.log or "replaced_in=1.0" in gateway.log)
    wait_for(lambda: len(pids(gateway)) == 2)


def test_a_worker_that_is_told_to_end_finishes_and_is_replaced(gateway: Gateway) -> None:
    client = connect(gateway)
    pid = worker_of(gateway, client)
    os.kill(pid, signal.SIGTERM)
    assert client.file.readline().startswith(b"-ERR [SYS/TEMP]")
    wait_for(lambda: not lives(pid))
    wait_for(lambda: len(pids(gateway)) == 2)
    connect(gateway).quit()


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_stopping_ends_all(tmp_path: Path, by: signal.Signals) -> None:
    gateway = office(tmp_path)
    gateway.start()
    assert gateway.process is not None
    workers = gateway.workers()
    clients = [connect(gateway) for _ in range(4)]
    gateway.process.send_signal(by)
    assert gateway.process.wait(20) in (0, -by)
    gateway.process = None
    assert not any(lives(pid) for pid in workers)
    for client in clients:
        assert client.file.readline().startswith(b"-ERR [SYS/TEMP]")
    assert list((gateway.data / "run").iterdir()) == []
    assert "ended process" not in gateway.log
    gateway.assert_no_mishap()


def test_stopping_takes_no_more_connections_while_one_finishes(tmp_path: Path) -> None:
    gateway = office(tmp_path)
    gateway.start()
    assert gateway.process is not None
    # A client that reads nothing of a long message is cut only when the time is over.
    (account,) = gateway.add_accounts(1)
    send(gateway, [account.address], b"Subject: long\r\n\r\n" + b"x" * 70 * 100_000 + b"\r\n")
    client = log_in(gateway, account)
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client._putcmd("RETR 1")  # type: ignore[attr-defined]
    time.sleep(0.5)
    gateway.process.send_signal(signal.SIGTERM)

    def refused() -> bool:
        try:
            socket.create_connection(("127.0.0.1", gateway.ports["pop3"]), 5).close()
        except ConnectionRefusedError:
            return True
        return False

    wait_for(refused, "a refused connection", 5)
    assert gateway.process.wait(20) in (0, -signal.SIGTERM)
    gateway.process = None
    gateway.assert_no_mishap()


def test_no_orphan_is_left_and_the_ports_are_free_at_once(tmp_path: Path) -> None:
    gateway = office(tmp_path)
    gateway.start()
    assert gateway.process is not None
    workers = gateway.workers()
    clients = [connect(gateway) for _ in range(4)]
    gateway.process.kill()
    gateway.process.wait(10)
    gateway.process = None
    wait_for(lambda: not any(lives(pid) for pid in workers), "the end of the workers")
    for client in clients:
        assert client.file.readline().startswith(b"-ERR [SYS/TEMP]")
    socket.create_server(("127.0.0.1", gateway.ports["pop3"])).close()
    gateway.start()
    connect(gateway).quit()
    gateway.stop()


def test_a_worker_that_hangs_does_not_keep_the_gateway_from_ending(tmp_path: Path) -> None:
    gateway = office(tmp_path)
    gateway.start()
    assert gateway.process is not None
    stuck = gateway.workers()[0]
    os.kill(stuck, signal.SIGSTOP)
    connect(gateway).quit()
    gateway.process.send_signal(signal.SIGTERM)
    assert gateway.process.wait(30) in (0, -signal.SIGTERM)
    gateway.process = None
    assert not lives(stuck)


def test_a_second_gateway_is_told_whose_the_port_is(gateway: Gateway, tmp_path: Path) -> None:
    assert gateway.process is not None
    second = Gateway(tmp_path, options=["--workers", "2", "--pop3", f"tcp:{gateway.ports['pop3']}"])
    second._log_file = tmp_path / "second.log"
    assert second.launch().wait(20) == 2
    last = second.log.rstrip("\n").rpartition("\n")[2]
    assert last.startswith("pop3gw: --pop3: tcp:")
    assert f"already, process {gateway.process.pid}; stop it (kill {gateway.process.pid})" in last


def test_unix_sockets_are_shared_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    options = ["--lmtp", f"unix:{path}", "--pop3", "tcp:0:interface=127.0.0.1"]
    with Gateway(tmp_path, options=options, workers=2) as gateway:
        ends = []
        for _ in range(8):
            ends.append(socket.socket(socket.AF_UNIX))
            ends[-1].settimeout(20)
            ends[-1].connect(str(path))
            assert ends[-1].recv(100).startswith(b"220")
        assert all(sessions(gateway).values())
        os.kill(gateway.workers()[0], signal.SIGTERM)
        wait_for(lambda: "worker 1 ended" in gateway.log)
        assert path.is_socket()
        for one in ends:
            one.close()
    assert not path.exists()


def test_sighup_has_all_serve_a_renewed_certificate(tmp_path: Path) -> None:
    from gateway.net.local_ca import LocalCA

    with office(tmp_path) as gateway:
        data = gateway.data
        authority = LocalCA.open(data / "ca.pem", data / "ca-key.pem")
        pair = data / "tls" / "fullchain.pem", data / "tls" / "privkey.pem"
        for file in pair:
            file.unlink()
        authority.ensure_certificate(*pair, ("localhost", "renewed.example"))
        assert gateway.process is not None
        gateway.process.send_signal(signal.SIGHUP)
        loaded = f'certificate "{pair[0]}" for localhost, renewed.example'
        wait_for(lambda: gateway.log.count(loaded) == 2)
        assert gateway.process.poll() is None
        context = ssl.create_default_context(cafile=str(data / "ca.pem"))
        seen: set[int] = set()

        def both_have_the_new_one() -> bool:
            plain = socket.create_connection(("127.0.0.1", gateway.ports["pop3s"]), 20)
            line = context.wrap_socket(plain, server_hostname="renewed.example")
            seen.add(next(p for p, r in sessions(gateway).items() if _has(r, line)))
            line.close()
            return seen == set(pids(gateway))

        wait_for(both_have_the_new_one, "both have the new certificate")


def _has(rows: list[dict[str, object]], line: socket.socket) -> bool:
    return line.getsockname()[1] in [row["port"] for row in rows]


def test_tls_sessions_are_resumed_by_another_worker(gateway: Gateway) -> None:
    context = ssl.create_default_context(cafile=str(gateway.ca))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    port = gateway.ports["pop3s"]
    with context.wrap_socket(
        socket.create_connection(("127.0.0.1", port), 20), server_hostname="localhost"
    ) as first:
        assert first.recv(100).startswith(b"+OK")
        ticket = first.session
        for _ in range(4):
            with context.wrap_socket(
                socket.create_connection(("127.0.0.1", port), 20),
                server_hostname="localhost",
                session=ticket,
            ) as again:
                assert again.session_reused
                assert again.recv(100).startswith(b"+OK")
