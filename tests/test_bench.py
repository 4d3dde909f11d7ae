"""The benchmarks can be listed and run."""

from __future__ import annotations

import socket
import sys
import threading
from pathlib import Path

import pytest

from bench.growth_results import Growth
from bench.report import table
from bench.results import Results, Row, load, save
from bench.smtp_load import Load, drive
from tests.programs import run

ROOT = Path(__file__).resolve().parent.parent


def bench(*arguments: str, status: int = 0) -> str:
    command = [sys.executable, "-m", "bench", *arguments]
    return run(command, cwd=ROOT, status=status, timeout=120).stdout.decode()


def test_each_is_listed_with_what_it_measures() -> None:
    listed = [line.split(maxsplit=1) for line in bench("--list").splitlines() if line[:2] == "  "]
    names = {line[0] for line in listed}
    assert {"maildir", "pop3_serving", "smtp_delivery", "wire"} <= names
    assert all(len(line) == 2 for line in listed)
    assert "smtp_delivery" in bench("nonsense", status=2)


def test_results_are_kept_and_shown(tmp_path: Path) -> None:
    folder = tmp_path / "benchmarks"
    compared = {"ours": "one", "reference": "two", "floor": "bare"}
    servers = {"one": "One 1", "two": "Two 2", "bare": "bare"}
    samples = {
        "one": [{"cpu_each": value} for value in (0.004, 0.001, 0.002)],
        "two": [{"cpu_each": 0.008}],
    }
    first = Row("poll", "poll of 10", "cpu_each", "ms", 1000.0, samples, place=1)
    save(Results("pop3", "POP3", servers, **compared, machine="m", rows=[first]), folder)
    second = Row("login", "login", "cpu_each", "ms", 1000.0, {"two": [{"cpu_each": 1.0}]})
    save(Results("pop3", "POP3", servers, **compared, machine="m", rows=[second]), folder)
    kept = load("pop3", folder)
    assert [row.key for row in kept.rows] == ["login", "poll"]
    assert kept.ratio(kept.rows[1], "two") == pytest.approx(0.25)
    assert kept.ratio(kept.rows[1], "bare") is None
    lines = list(table(kept))
    assert "| poll of 10 | ms | 2.00 | 8.00 |  | 0.25 |  |" in lines


def test_growth_is_kept_in_order_and_shown_without_peers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.growth_results.FOLDER", tmp_path)
    for key in ("start-1000-10", "users-10000", "users-10"):
        growth = Growth()
        growth.add(key, key, "ms", "maildir", [0.5, 0.4, 0.9])
        growth.add(key, key, "ms", "sqlite", [0.25])
        growth.save()
    lines = list(table(load("growth", tmp_path)))
    assert lines[2:] == [
        "|  | unit | pop3gw | pop3gw-sqlite |",
        "| --- | --- | ---: | ---: |",
        "| users-10 | ms | 0.5 | 0.25 |",
        "| users-10000 | ms | 0.5 | 0.25 |",
        "| start-1000-10 | ms | 0.5 | 0.25 |",
        "",
    ]


@pytest.mark.slow
def test_growth_is_measured() -> None:
    text = bench("growth", "--quick", "--only", "messages", "--only", "mailboxes")
    for row in ("10,000 messages that have not changed", "memory after 40 mailboxes"):
        assert row in text
    assert "start with 100 users of 100 messages" in bench("start", "--quick")


@pytest.mark.slow
def test_workers_are_measured() -> None:
    text = bench("workers", "--quick")
    assert "one by one  2 apart" in text


def answer(listening: socket.socket, reads: list[bytes]) -> None:
    """Serve one SMTP client; answer each read as often as it holds lines, a message once."""
    connection, _ = listening.accept()
    with connection:
        connection.sendall(b"220 hello\r\n")
        while octets := connection.recv(65_536):
            reads.append(octets)
            if octets.endswith(b"\r\n.\r\n"):
                connection.sendall(b"250 stored\r\n")
                continue
            codes = [b"354" if line == b"DATA" else b"250" for line in octets.splitlines()]
            connection.sendall(b"".join(code + b" go on\r\n" for code in codes))


@pytest.mark.parametrize("pipelined", [True, False])
def test_commands_go_out_together_only_where_the_server_takes_that(pipelined: bool) -> None:
    reads: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = threading.Thread(target=answer, args=(listening, reads))
        server.start()
        load = Load(1, 2, 200, recipients=2, pipelined=pipelined)
        _, waits = drive(listening.getsockname()[1], load, ["anna@example.org", "b@example.org"])
        server.join(timeout=20)
    assert len(waits) == 2
    lines = [len(read.splitlines()) for read in reads if not read.endswith(b"\r\n.\r\n")]
    assert lines == ([1, 4, 4] if pipelined else [1] * 9)


@pytest.mark.slow
def test_serving_is_measured() -> None:
    options = ["--only", "login", "--only", "fetch-pipelined-tls", "--only", "idle"]
    servers = ["--server", "pop3gw", "--server", "bare"]
    text = bench("pop3_serving", "--quick", *options, *servers)
    for key in ("login:", "fetch-pipelined-tls:", "idle:", "pop3gw: 1.000"):
        assert key in text


@pytest.mark.slow
def test_receiving_is_measured() -> None:
    text = bench("smtp_delivery", "--quick", "--server", "pop3gw", "--server", "bare")
    for scenario in ("4 KB on 20", "one of 25 MB", "4 KB to 50", "STARTTLS", "half sent"):
        assert scenario in text
    assert "x," in text
    assert "of its CPU" in text
