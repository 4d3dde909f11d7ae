"""What a start with `twistd` needs: the daemon, its log, root's ports, other reactors, a .tac."""

from __future__ import annotations

import json
import os
import poplib
import re
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from gateway.control.client import ask_all
from tests.process.twistd import FREE_PORTS, TWIST, TWISTD, Running, running, start, twistd
from tests.workers.office import lives, wait_for

ARGUMENTS = ["-n", "--pidfile=", "pop3gw", *FREE_PORTS, "--workers", "2"]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change users")


def workers(folder: Path) -> list[int]:
    return [answer.pid for answer in ask_all(folder / "pop3gw-data" / "run", {"do": "ping"})]


def log_in(gateway: Running, port: int) -> poplib.POP3:
    client = poplib.POP3("127.0.0.1", port, timeout=20)
    client.user("user@localhost")
    client.pass_(re.findall(r"password: (\S+)", gateway.output)[0])
    return client


def test_the_daemon(tmp_path: Path) -> None:
    log = tmp_path / "log"
    done = twistd(tmp_path, "--pidfile=pid", "--logfile=log", "pop3gw", *FREE_PORTS, "--workers=2")
    assert done.status == 0, done.stderr
    pid_file = tmp_path / "pid"
    pid = int(pid_file.read_text())
    try:
        wait_for(lambda: "pop3gw is ready" in log.read_text())
        found = workers(tmp_path)
        assert len(found) == 2 and pid not in found
        os.kill(found[0], signal.SIGTERM)
        wait_for(lambda: len(workers(tmp_path)) == 2 and found[0] not in workers(tmp_path))
        assert int(pid_file.read_text()) == pid, "it names the supervisor, whatever workers do"
        found = workers(tmp_path)
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not lives(pid))
    assert not any(lives(worker) for worker in found)
    assert not pid_file.exists()
    assert "Traceback" not in log.read_text()


def test_the_log_of_all_is_rotated_and_whole(tmp_path: Path) -> None:
    log = tmp_path / "log"
    arguments = ["--pidfile=pid", "--logfile=log", "pop3gw", *FREE_PORTS, "--workers=2"]
    done = twistd(tmp_path, *arguments)
    assert done.status == 0, done.stderr
    pid = int((tmp_path / "pid").read_text())
    try:
        wait_for(lambda: "pop3gw is ready" in log.read_text())
        port = int(re.findall(r"listening pop3 \S+:(\d+)", log.read_text())[0])
        for number in range(60):
            client = poplib.POP3("127.0.0.1", port, timeout=20)
            client.user("user@localhost")
            client.pass_(re.findall(r"password: (\S+)", done.stdout)[0])
            client.quit()
            if number % 20 == 10:
                os.kill(pid, signal.SIGUSR1)
                wait_for(lambda count=number // 20: len(_logs(log)) == count + 2)  # type: ignore[misc]
                time.sleep(0.3)  # then all of them have noticed
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not lives(pid))
    files = _logs(log)
    assert len(files) == 4
    lines = [line for file in files for line in file.read_text().splitlines()]
    began = re.compile(r"\d{4}-\d\d-\d\dT\S+ \[|\t")
    assert all(began.match(line) for line in lines)
    ended = Counter(re.findall(r"closed pop3 peer=127.0.0.1 session=(\w+)", "\n".join(lines)))
    assert len(ended) == 60
    assert set(ended.values()) == {1}
    assert "pop3gw#info] closed" in log.read_text(), "workers follow"
    assert "Server Shut Down" in log.read_text(), "and so does the supervisor"


def _logs(log: Path) -> list[Path]:
    return [log, *log.parent.glob("log.*")]


@as_root
def test_ports_of_root_and_a_user_that_serves(open_folder: Path) -> None:
    arguments = [*ARGUMENTS, "--smtp", "tcp:25:interface=127.0.0.94"]
    (open_folder / "pop3gw.toml").write_text('[auth]\nplaintext = "loopback"\n')
    (open_folder / "pop3gw.toml").chmod(0o600)
    options = ["--config", "pop3gw.toml"]
    with running(open_folder, "--uid=nobody", "--gid=nogroup", *arguments, *options) as gateway:
        assert gateway.addresses("smtp")[1] == "127.0.0.94:25"
        for _ in range(2):
            found = workers(open_folder)
            for pid in [gateway.process.pid, *found]:
                status = Path(f"/proc/{pid}/status").read_text()
                assert "Uid:\t65534\t65534" in status
            log_in(gateway, gateway.port("pop3")).quit()
            # The next round is with workers that were started when root's rights were gone.
            os.kill(found[0], signal.SIGKILL)
            os.kill(found[1], signal.SIGKILL)
            wait_for(lambda found=found: len(set(workers(open_folder)) - set(found)) == 2)  # type: ignore[misc]
        assert gateway.stop() in (0, -signal.SIGINT)
        assert "Traceback" not in gateway.output


@pytest.mark.parametrize("name", ["poll", "select"])
def test_reactors_that_begin_anew(tmp_path: Path, name: str) -> None:
    with running(tmp_path, f"--reactor={name}", *ARGUMENTS) as gateway:
        for _ in range(4):
            log_in(gateway, gateway.port("pop3")).quit()
        assert gateway.stop() in (0, -signal.SIGINT)
        assert "Traceback" not in gateway.output


def test_a_reactor_that_cannot(tmp_path: Path) -> None:
    done = twistd(tmp_path, "--reactor=asyncio", *ARGUMENTS)
    assert done.status == 2
    assert "--workers: the reactor AsyncioSelectorReactor cannot serve in several" in done.last_line


def test_a_tac_file_serves_in_its_one_process(tmp_path: Path) -> None:
    (tmp_path / "pop3gw.toml").write_text("[service]\nworkers = 2\n")
    (tmp_path / "pop3gw.tac").write_text(
        "from gateway.tap import make_gateway\nmake_gateway(config='pop3gw.toml')\n"
    )
    done = twistd(tmp_path, "-n", "--pidfile=", "-y", "pop3gw.tac")
    assert done.status != 0
    assert "line 2: [service] workers: a gateway that is part of an application" in done.stderr


def test_a_hangup_does_not_end_one_process_either(tmp_path: Path) -> None:
    with running(tmp_path, *ARGUMENTS[:-2]) as gateway:
        gateway.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        log_in(gateway, gateway.port("pop3")).quit()
        assert gateway.stop() in (0, -signal.SIGINT)


SOCKET_ACTIVATED = """
import os, socket
listening = socket.create_server(("127.0.0.1", 0))
os.dup2(listening.fileno(), 3)
os.set_blocking(3, False)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES="pop3")
"""


def test_a_socket_of_systemd(tmp_path: Path) -> None:
    arguments = [
        "-n",
        "--pidfile=",
        "pop3gw",
        "--workers=2",
        "--pop3",
        "systemd:domain=INET:name=pop3",
    ]
    with running(tmp_path, *arguments, program=SOCKET_ACTIVATED + TWISTD) as gateway:
        clients: list[poplib.POP3] = []

        def all_serve() -> bool:
            clients.append(poplib.POP3("127.0.0.1", gateway.port("pop3"), timeout=20))
            answers = ask_all(tmp_path / "pop3gw-data" / "run", {"do": "sessions"})
            return all(answer.values["sessions"] for answer in answers)

        gateway.wait_for(all_serve, "all workers to serve")
        for client in clients:
            client.quit()
        assert gateway.stop() in (0, -signal.SIGINT)
        assert "Traceback" not in gateway.output


def test_twist_and_a_log_in_json(tmp_path: Path) -> None:
    arguments = ["--log-format=json", "pop3gw", *FREE_PORTS, "--workers=2"]
    with start(tmp_path, arguments, TWIST) as gateway:
        gateway.wait_for(lambda: '"pop3gw is ready"' in gateway.output, "ready")
        found = workers(tmp_path)
        assert len(found) == 2
        port = int(re.findall(r'"listening pop3 \S+:(\d+)"', gateway.output)[0])
        for _ in range(20):
            log_in(gateway, port).quit()
        assert gateway.stop(signal.SIGTERM) in (0, -signal.SIGTERM)
        assert not any(lives(pid) for pid in found)
        _, _, log = gateway.output.partition("\x1e")
        entries = [json.loads(entry) for entry in log.split("\x1e")]
        lines = [entry["line"] for entry in entries if "line" in entry]
        assert sum(line.startswith("closed pop3 ") for line in lines) == 20
        assert not any("log_failure" in entry for entry in entries)


def test_stopped_before_it_has_begun(tmp_path: Path) -> None:
    for delay in (0.0, 0.005, 0.02):
        with start(tmp_path, ARGUMENTS, TWISTD) as gateway:
            gateway.wait_for(lambda gateway=gateway: "starting up" in gateway.output, "start")  # type: ignore[misc]
            time.sleep(delay)
            assert gateway.stop(signal.SIGTERM) in (0, -signal.SIGTERM)
            assert "Traceback" not in gateway.output
            assert workers(tmp_path) == []
