"""`twistd pop3gw` starts, says what it did, and stops: the real process."""

from __future__ import annotations

import os
import poplib
import re
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.control.client import ask_all
from tests.process.twistd import FREE_PORTS, ROOT, TWIST, TWISTD, environment, running, twistd

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root drops privileges")
ARGUMENTS = ["-n", "--pidfile=", "pop3gw", *FREE_PORTS]


def test_the_first_start_makes_everything_and_says_so_once(tmp_path: Path) -> None:
    with running(tmp_path, *ARGUMENTS) as gateway:
        assert gateway.stop() in (0, -signal.SIGINT)
        output = gateway.output
    data = tmp_path / "pop3gw-data"
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    password = re.findall(r"password: (\S+)", output)[0]
    text, _, log = output.partition("twistd")
    for wanted in (
        "user@localhost",
        "POP3, server localhost, port " + str(gateway.port("pop3s")),
        "SMTP, server localhost, port " + str(gateway.port("smtp")),
        "(mail store: sqlite)",
        str(data / "ca.pem"),
        f"--data {data} send-test user@localhost",
        f"pop3s://localhost:{gateway.port('pop3s')}/1",
    ):
        assert wanted in text
    assert password not in log
    assert "Traceback" not in output
    lines = [line.split("] ")[-1] for line in output.splitlines()]
    listening = [line for line in lines if line.startswith("listening ")]
    assert sorted(line.split()[1] for line in listening) == ["pop3", "pop3s", "smtp"]
    assert lines.index("pop3gw is ready") == lines.index(listening[-1]) + 1


def test_the_second_start_says_what_it_found_and_changes_nothing(tmp_path: Path) -> None:
    with running(tmp_path, *ARGUMENTS) as gateway:
        gateway.stop()
    kept = ("accounts.sqlite", "ca.pem", "ca-key.pem", "format.json", "tls/fullchain.pem")
    data = tmp_path / "pop3gw-data"
    before = {name: (data / name).read_bytes() for name in kept}
    with running(tmp_path, *ARGUMENTS) as gateway:
        gateway.stop()
        output = gateway.output
    assert {name: (data / name).read_bytes() for name in kept} == before
    assert "1 account in localhost" in output
    assert "password" not in output
    assert "Traceback" not in output


def test_the_first_account_reads_mail_over_pop3s(tmp_path: Path) -> None:
    with running(tmp_path, *ARGUMENTS) as gateway:
        password = re.findall(r"password: (\S+)", gateway.output)[0]
        context = ssl.create_default_context(cafile=str(tmp_path / "pop3gw-data" / "ca.pem"))
        client = poplib.POP3_SSL("localhost", gateway.port("pop3s"), context=context, timeout=20)
        client.user("USER@localhost")
        client.pass_(password)
        assert client.stat() == (0, 0)
        client.quit()
        gateway.stop()
        assert password not in gateway.output.partition("twistd")[2]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_with_connections_open(tmp_path: Path, number: int) -> None:
    with running(tmp_path, *ARGUMENTS) as gateway:
        with socket.create_connection(("127.0.0.1", gateway.port("pop3")), timeout=20) as client:
            assert client.recv(100).startswith(b"+OK")
            assert gateway.stop(number) in (0, -number)
            assert client.makefile("rb").read() is not None
        assert "Traceback" not in gateway.output
    assert list((tmp_path / "pop3gw-data" / "run").iterdir()) == []


def test_addresses_of_every_kind_are_shown_as_documented(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    arguments = ["--lmtp", f"unix:{path}", "--pop3", "tcp6:0:interface=\\:\\:1"]
    with running(tmp_path, "-n", "--pidfile=", "pop3gw", *arguments) as gateway:
        assert gateway.addresses("lmtp") == [f"unix:{path}"]
        assert re.fullmatch(r"\[::1\]:\d+", gateway.addresses("pop3")[0])
        gateway.stop()
    assert not path.exists()


def test_a_listener_of_each_kind_may_be_given_twice(tmp_path: Path) -> None:
    with running(tmp_path, *ARGUMENTS, "--pop3", "tcp:0:interface=127.0.0.1") as gateway:
        assert len(set(gateway.addresses("pop3"))) == 2
        gateway.stop()


def test_an_ssl_endpoint_brings_its_own_certificate(tmp_path: Path) -> None:
    with running(tmp_path, *ARGUMENTS) as gateway:
        gateway.stop()
    tls = tmp_path / "pop3gw-data" / "tls"
    own = tmp_path / "own.pem"
    own.write_bytes((tls / "privkey.pem").read_bytes() + (tls / "fullchain.pem").read_bytes())
    endpoint = f"ssl:0:interface=127.0.0.1:privateKey={own}"
    with running(tmp_path, "-n", "--pidfile=", "pop3gw", "--pop3s", endpoint) as gateway:
        context = ssl.create_default_context(cafile=str(tmp_path / "pop3gw-data" / "ca.pem"))
        client = poplib.POP3_SSL("localhost", gateway.port("pop3s"), context=context, timeout=20)
        assert client.quit().startswith(b"+OK")
        gateway.stop()


def test_a_configuration_file_takes_no_password_in_clear(tmp_path: Path) -> None:
    (tmp_path / "pop3gw.toml").write_text("")
    with running(tmp_path, *ARGUMENTS, "--config", "pop3gw.toml") as gateway:
        client = poplib.POP3("127.0.0.1", gateway.port("pop3"), timeout=20)
        with pytest.raises(poplib.error_proto):
            client.user("user@localhost")
            client.pass_("anything")
        client.close()
        gateway.stop()


def test_twist_runs_it_as_well(tmp_path: Path) -> None:
    with running(tmp_path, "--log-format=text", "pop3gw", *FREE_PORTS, program=TWIST) as gateway:
        assert gateway.stop() in (0, -signal.SIGINT)
        output = gateway.output
    assert "Traceback" not in output
    assert output.index("password: ") < output.index("listening ")


def test_the_tac_file_runs(tmp_path: Path) -> None:
    (tmp_path / "pop3gw.toml").write_text('[listen]\npop3 = ["tcp:0:interface=127.0.0.1"]\n')
    tac = (ROOT / "conf" / "pop3gw.tac").read_text("utf-8")
    (tmp_path / "pop3gw.tac").write_text(tac.replace("/etc/pop3gw/pop3gw.toml", "pop3gw.toml"))
    with running(tmp_path, "-n", "--pidfile=", "-y", "pop3gw.tac") as gateway:
        assert gateway.stop() in (0, -signal.SIGINT)
        assert "Traceback" not in gateway.output


@pytest.mark.parametrize("name", ["poll", "select", "asyncio"])
def test_other_reactors_run_it(tmp_path: Path, name: str) -> None:
    with running(tmp_path, f"--reactor={name}", *ARGUMENTS) as gateway:
        client = poplib.POP3("127.0.0.1", gateway.port("pop3"), timeout=20)
        assert client.quit().startswith(b"+OK")
        assert gateway.stop() in (0, -signal.SIGINT)
        assert "Traceback" not in gateway.output


def test_it_daemonizes(tmp_path: Path) -> None:
    log = tmp_path / "log"
    arguments = ["--pidfile=pid", "--logfile=log", "pop3gw", *FREE_PORTS]
    done = twistd(tmp_path, *arguments)
    assert done.status == 0, done.stderr
    assert "password: " in done.stdout
    pid = int((tmp_path / "pid").read_text())
    try:
        _wait(lambda: "ready" in log.read_text())
        port = int(re.findall(r"listening pop3 \S+:(\d+)", log.read_text())[0])
        client = poplib.POP3("127.0.0.1", port, timeout=20)
        client.user("user@localhost")
        client.pass_(re.findall(r"password: (\S+)", done.stdout)[0])
        assert client.quit().startswith(b"+OK")
        answers = ask_all(tmp_path / "pop3gw-data" / "run", {"do": "ping"})
        assert [answer.values for answer in answers] == [{"pid": pid}]
    finally:
        os.kill(pid, signal.SIGTERM)
        _wait(lambda: not _lives(pid))
    assert "password: " not in log.read_text()
    assert "Traceback" not in log.read_text()


@as_root
def test_it_drops_privileges(open_folder: Path) -> None:
    arguments = [*ARGUMENTS, "--smtp", "tcp:25:interface=127.0.0.93", "--data", "data"]
    with running(open_folder, "--uid=nobody", "--gid=nogroup", *arguments) as gateway:
        assert gateway.addresses("smtp")[1] == "127.0.0.93:25"
        status = Path(f"/proc/{gateway.process.pid}/status").read_text()
        assert "Uid:\t65534\t65534" in status
        data = open_folder / "data"
        (data / "tls" / "privkey.pem").touch()  # served anew, by a user that can read it
        context = ssl.create_default_context(cafile=str(data / "ca.pem"))
        time.sleep(1.1)
        client = poplib.POP3_SSL("localhost", gateway.port("pop3s"), context=context, timeout=20)
        client.user("user@localhost")
        client.pass_(re.findall(r"password: (\S+)", gateway.output)[0])
        client.quit()
        for path in [data, *data.rglob("*")]:
            assert (path.stat().st_uid, path.stat().st_gid) == (65534, 65534), path
        assert gateway.stop() in (0, -signal.SIGINT)
        assert "Traceback" not in gateway.output
        assert "error" not in gateway.output


def test_sessions_are_listed_and_ended_over_the_control_socket(tmp_path: Path) -> None:
    with running(tmp_path, *ARGUMENTS) as gateway:
        run = tmp_path / "pop3gw-data" / "run"
        client = poplib.POP3("127.0.0.1", gateway.port("pop3"), timeout=20)
        client.user("user@localhost")
        client.pass_(re.findall(r"password: (\S+)", gateway.output)[0])
        (answer,) = ask_all(run, {"do": "sessions"})
        (session,) = answer.values["sessions"]
        assert (session["user"], session["protocol"]) == ("user@localhost", "pop3")
        (answer,) = ask_all(run, {"do": "kick", "user": "other@localhost"})
        assert answer.values == {"kicked": 0}
        assert client.noop().startswith(b"+OK")
        (answer,) = ask_all(run, {"do": "kick", "user": "User@localhost"})
        assert answer.values == {"kicked": 1}
        with pytest.raises((poplib.error_proto, OSError)):
            client.noop()
        gateway.stop()


def test_two_gateways_share_a_folder(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with (
        running(tmp_path, *ARGUMENTS) as first,
        running(tmp_path / "b", *ARGUMENTS, "--data", str(tmp_path / "pop3gw-data")) as second,
    ):
        answers = ask_all(tmp_path / "pop3gw-data" / "run", {"do": "ping"})
        pids = {first.process.pid, second.process.pid}
        assert {answer.values["pid"] for answer in answers} == pids
        second.stop()
        assert len(ask_all(tmp_path / "pop3gw-data" / "run", {"do": "ping"})) == 1
        first.stop()


def test_the_control_socket_of_a_killed_gateway_goes_at_the_next_start(tmp_path: Path) -> None:
    run = tmp_path / "pop3gw-data" / "run"
    with running(tmp_path, *ARGUMENTS) as gateway:
        gateway.stop(signal.SIGKILL)
        assert len(list(run.iterdir())) == 1
    with running(tmp_path, *ARGUMENTS) as gateway:
        assert [path.name for path in run.iterdir()] == [f"{gateway.process.pid}.sock"]
        gateway.stop()


def test_the_control_socket_works_however_deep_the_folder_lies(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 80) / ("e" * 80)
    with running(tmp_path, *ARGUMENTS, "--data", str(deep)) as gateway:
        (answer,) = ask_all(deep / "run", {"do": "ping"})
        assert answer.values == {"pid": gateway.process.pid}
        gateway.stop()
    assert list((deep / "run").iterdir()) == []


def test_the_help_names_every_option(tmp_path: Path) -> None:
    done = twistd(tmp_path, "-n", "pop3gw", "--help")
    assert done.status == 0
    for option in ("config", "data", "store", "pop3", "pop3s", "smtp", "lmtp", "auth", "workers"):
        assert f"--{option}=" in done.stdout


def test_the_checkers_are_listed(tmp_path: Path) -> None:
    done = twistd(tmp_path, "-n", "pop3gw", "--help-auth")
    assert done.status == 0
    assert {"  embedded", "  file"} <= set(done.stdout.splitlines())


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "zombie" not in Path(f"/proc/{pid}/status").read_text()


def _wait(condition, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_many_first_starts_at_once_make_one_account(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(3)]
    processes = []
    for folder in folders:
        folder.mkdir()
        with (folder / "output").open("wb") as output:
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-c", TWISTD, *ARGUMENTS, "--data", str(tmp_path / "data")],
                    cwd=folder,
                    env=environment(),
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            )
    try:
        for folder, process in zip(folders, processes, strict=True):
            _wait(
                lambda folder=folder, process=process: (
                    "ready" in (folder / "output").read_text() or process.poll() is not None
                )
            )
    finally:
        for process in processes:
            process.send_signal(signal.SIGINT)
            process.wait(30)
    outputs = [(folder / "output").read_text() for folder in folders]
    assert ["ready" in output for output in outputs] == [True] * 3, outputs
    assert sum("password: " in output for output in outputs) == 1
    assert not any("Traceback" in output for output in outputs)


def test_what_lives_from_the_start_on_is_not_looked_over_for_garbage(tmp_path: Path) -> None:
    program = (
        "import gc, sys; from gateway.tap import Options, makeService; options = Options();"
        " options.parseOptions(sys.argv[1:]); makeService(options);"
        " print('looked over:', len(gc.get_objects()), 'of', gc.get_freeze_count())"
    )
    ended = twistd(tmp_path, *FREE_PORTS, program=program)
    looked_over, frozen = re.findall(r"looked over: (\d+) of (\d+)", ended.stdout)[0]
    assert int(looked_over) < int(frozen) / 100
