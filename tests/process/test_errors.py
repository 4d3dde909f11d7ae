"""Every mistake of the contract: the last line says what and how to mend it, the status is 2."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest

from gateway.net.local_ca import LocalCA
from tests.process.twistd import FREE_PORTS, TWIST, running, twistd


def refusal(folder: Path, *arguments: str, configuration: str | bytes | None = None) -> str:
    """Start with a mistake; return the last line on stderr, without the folder in it."""
    options = list(arguments)
    if configuration is not None:
        text = configuration.encode() if isinstance(configuration, str) else configuration
        (folder / "pop3gw.toml").write_bytes(text)
        options += ["--config", "pop3gw.toml"]
    done = twistd(folder, "-n", "--pidfile=", "pop3gw", *options)
    assert done.status == 2, done
    assert "Traceback" not in done.stderr + done.stdout
    assert "password" not in done.stdout
    assert done.last_line.startswith("pop3gw: ")
    return done.last_line.removeprefix("pop3gw: ").replace(f"{folder}/", "")


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ("[listen]\npop = []", "pop3gw.toml, line 2: [listen] pop: there is no such setting; did"),
        ("[limits]\nerrors = []", "pop3gw.toml, line 2: [limits] errors: must be a whole number"),
        (b"# caf\xe9", "pop3gw.toml, line 1: is not UTF-8 text (octet 0xE9); save the file"),
        ("[", "pop3gw.toml, line 1: is not TOML: "),
        ("[listen]\n", "pop3gw.toml, line 1: listen: no listener is given; write for instance"),
        (
            '[auth]\ncheckers = ["nonsense:x"]',
            "pop3gw.toml, line 2: [auth] checkers: there is no checker 'nonsense:...'",
        ),
        (
            '[listen]\npop3 = ["nonsense:1"]',
            'pop3gw.toml, line 2: [listen] pop3: there is no endpoint of the kind "nonsense"; an',
        ),
        (
            '[listen]\n\npop3 = ["tcp:0:interface=192.0.2.77"]',
            "pop3gw.toml, line 3: [listen] pop3: tcp:0:interface=192.0.2.77 names an address that",
        ),
        (
            '[tls]\ncertificates = "nowhere"',
            "pop3gw.toml, line 2: [tls] certificates: nowhere: there is no such folder; put",
        ),
        (
            '[tls]\ncertificates = ["a.pem"]',
            "pop3gw.toml, line 2: [tls] certificates: a.pem: there is no such file; put the PEM",
        ),
        (
            'data = "/dev/null"',
            "pop3gw.toml, line 1: data: /dev/null: the data folder cannot be used: not a folder;",
        ),
    ],
)
def test_a_mistake_in_the_file(tmp_path: Path, configuration: str | bytes, expected: str) -> None:
    assert refusal(tmp_path, configuration=configuration).startswith(expected)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--config", "nowhere.toml"], "nowhere.toml: there is no such file; correct --config"),
        (["--config", "."], ".: is a folder; name the file in it"),
        (["--auth", "nonsense"], "--auth: there is no checker 'nonsense'"),
        (["--store", "nonsense"], "--store: must be 'maildir'"),
        (["--workers", "0"], "--workers: must be at least 1, not 0"),
        (
            ["--workers", "2", "--pop3", "tcp:0:interface=192.0.2.77"],
            "--pop3: tcp:0:interface=192.0.2.77 names an address that",
        ),
        (["--pop3", "nonsense"], '--pop3: there is no endpoint of the kind "nonsense"'),
        (["--pop3", "tcp:x"], '--pop3: "tcp:x" is no endpoint'),
        (["--smtp", "tcp:99999"], "--smtp: tcp:99999 cannot be bound"),
        (["--lmtp", "unix:/nonsense/lmtp"], "--lmtp: unix:/nonsense/lmtp cannot be bound: there"),
        (["--data", "/dev/null"], "--data: /dev/null: the data folder cannot be used: not a"),
        (["--data", "/proc/pop3gw"], "--data: /proc/pop3gw: the data folder cannot be used: "),
    ],
)
def test_a_mistake_on_the_command_line(tmp_path: Path, arguments: list[str], expected: str) -> None:
    line = refusal(tmp_path, *arguments)
    assert line.startswith(expected)
    assert ";" in line or "must be" in line


def test_a_port_that_another_program_holds(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        endpoint = f"tcp:{other.getsockname()[1]}:interface=127.0.0.1"
        line = refusal(tmp_path, "--smtp", endpoint)
    assert line.startswith(f"--smtp: {endpoint} is taken by another program; stop that program")


def test_a_port_that_this_folders_own_gateway_holds(tmp_path: Path) -> None:
    with running(tmp_path, "-n", "--pidfile=", "pop3gw", *FREE_PORTS) as gateway:
        endpoint = f"tcp:{gateway.port('pop3')}:interface=127.0.0.1"
        done = twistd(tmp_path, "-n", "--pidfile=", "pop3gw", "--pop3", endpoint)
        gateway.stop()
    assert done.status == 2
    assert (
        f"is taken by the gateway that runs on this data folder already, "
        f"process {gateway.process.pid}; stop it" in done.last_line
    )


def test_a_start_that_fails_keeps_the_first_account_for_the_next(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        refusal(tmp_path, "--smtp", f"tcp:{other.getsockname()[1]}:interface=127.0.0.1")
    with running(tmp_path, "-n", "--pidfile=", "pop3gw", *FREE_PORTS) as gateway:
        assert "password: " in gateway.output
        gateway.stop()


def test_a_certificate_that_does_not_match_its_key(tmp_path: Path) -> None:
    with running(tmp_path, "-n", "--pidfile=", "pop3gw", *FREE_PORTS) as gateway:
        gateway.stop()
    authority = LocalCA.open(tmp_path / "ca", tmp_path / "ca-key")
    authority.ensure_certificate(tmp_path / "c", tmp_path / "k", ("localhost",))
    shutil.copy(tmp_path / "k", tmp_path / "pop3gw-data" / "tls" / "privkey.pem")
    line = refusal(tmp_path, *FREE_PORTS)
    assert line.startswith("pop3gw-data/tls/fullchain.pem: the key pop3gw-data/tls/privkey.pem ")
    assert "does not match it; put the certificate and the key" in line


def test_a_data_folder_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "format.json").write_text('{"version": 1, "store": "sqlite"}')
    line = refusal(tmp_path, "--data", "data", "--store", "maildir")
    assert line.startswith("--data: data/format.json: the mail in this folder is kept as 'sqlite'")


def test_a_data_folder_of_a_kind_that_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "format.json").write_text('{"version": 1, "store": "mbox"}')
    assert "mbox" in refusal(tmp_path, "--data", "data")


def test_accounts_that_are_no_database(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "accounts.sqlite").write_bytes(b"nonsense" * 1000)
    line = refusal(tmp_path, "--data", "data")
    assert line.startswith("cannot use data/accounts.sqlite: file is not a database; restore")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops privileges")
def test_a_folder_that_the_user_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    done = twistd(
        tmp_path, "-n", "--pidfile=", "--uid=nobody", "pop3gw", "--data", "data", *FREE_PORTS
    )
    assert done.status == 2
    assert f"{tmp_path}/data: the data folder cannot be used: " in done.last_line
    assert "chown" in done.last_line


def test_a_daemon_says_it_before_it_goes_away(tmp_path: Path) -> None:
    done = twistd(tmp_path, "--pidfile=pid", "--logfile=log", "pop3gw", "--pop3", "nonsense")
    assert done.status == 2
    assert done.last_line.startswith("pop3gw: --pop3: there is no endpoint")
    assert not (tmp_path / "pid").exists()


def test_twist_says_the_same(tmp_path: Path) -> None:
    done = twistd(tmp_path, "pop3gw", "--pop3", "nonsense", program=TWIST)
    assert done.status == 2
    assert done.last_line.startswith("pop3gw: --pop3: there is no endpoint")


@pytest.mark.parametrize("arguments", [["--nonsense"], ["stray"], ["--workers", "many"]])
def test_other_wrong_usage_ends_as_twistds_does(tmp_path: Path, arguments: list[str]) -> None:
    done = twistd(tmp_path, "-n", "--pidfile=", "pop3gw", *arguments)
    assert done.status == 1
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "pop3gw-data").exists()
