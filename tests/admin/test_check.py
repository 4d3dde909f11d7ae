"""`pop3gw check`."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.admin.checks import data_folder
from gateway.admin.checks.port_holder import holders
from gateway.net.local_ca import LocalCA
from tests.admin.commands import Done, Office, real
from tests.interop.gateway import Gateway


@contextmanager
def listening(host: str = "127.0.0.1") -> Iterator[int]:
    """Hold a port of this machine."""
    with socket.socket() as held:
        held.bind((host, 0))
        held.listen()
        yield held.getsockname()[1]


def free_port() -> int:
    with listening() as port:
        return port


def check(folder: Path, text: str, status: int = 0) -> Done:
    """Check a configuration; its data folder is DATA beside it."""
    file = folder / "pop3gw.toml"
    file.write_text(text)
    done = real(["--config", file, "check"], folder)
    assert done.status == status, done
    return done


def quiet(port: int | None = None) -> str:
    """A configuration of one listener."""
    return f'data = "data"\n[listen]\npop3 = ["tcp:{port or free_port()}:interface=127.0.0.1"]\n'


class TestWell:
    def test_a_folder_that_is_not_there_yet_is_not_made(self, tmp_path: Path) -> None:
        done = check(tmp_path, quiet())
        assert done.err == ""
        assert all(line.startswith("ok    ") for line in done.out.splitlines())
        assert not (tmp_path / "data").exists()

    def test_every_thing_has_its_line(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        office("domain", "add", "example.org")
        office.add("anna@example.org")
        certificate(office)
        out = check(tmp_path, quiet()).out
        for item in (
            "configuration: ",
            "data folder: ",
            "permissions: ",
            "ownership: ",
            "free space: ",
            "accounts: 1 domain, 1 user, 0 aliases",
            "certificate: ",
            "gateway: does not run",
            "pop3: ",
        ):
            assert f"ok    {item}" in out

    def test_port_0_and_systemd(self, tmp_path: Path) -> None:
        check(tmp_path, '[listen]\npop3 = ["tcp:0", "systemd:domain=INET:index=0"]\n')


def certificate(office: Office, names: tuple[str, ...] = ("localhost",), days: int = 0) -> None:
    """Make the pair that the first start makes, as if it were `days` ago."""
    tls = office.data / "tls"
    tls.mkdir(parents=True, exist_ok=True)
    then = datetime.now(UTC) - timedelta(days=days)
    authority = LocalCA.open(office.data / "ca.pem", office.data / "ca-key.pem", now=then)
    authority.ensure_certificate(tls / "fullchain.pem", tls / "privkey.pem", names, then)


class TestFolder:
    def test_open_to_others(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        office("domain", "list")
        office.data.chmod(0o755)
        (office.data / "accounts.sqlite").chmod(0o644)
        done = check(tmp_path, quiet(), status=1)
        assert f"chmod 700 {office.data}" in done.err
        assert f"chmod 600 {office.data / 'accounts.sqlite'}" in done.err
        office.data.chmod(0o700)
        (office.data / "accounts.sqlite").chmod(0o600)
        check(tmp_path, quiet())

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
    def test_of_several_owners(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        office("domain", "list")
        os.chown(office.data / "tls", 65534, 65534)
        done = check(tmp_path, quiet(), status=1)
        assert str(office.data / "tls") in done.err
        assert "chown -R root " in done.err

    def test_a_full_disk(self, monkeypatch: pytest.MonkeyPatch, office: Office) -> None:
        office("domain", "list")
        monkeypatch.setattr(data_folder, "_LEAST_MESSAGES", 1 << 40)
        done = office("check", status=1)
        assert "MEND  free space: only " in done.err

    def test_a_format_from_the_future(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        office("domain", "list")
        (office.data / "format.json").write_text('{"version": 99, "store": "maildir"}')
        assert "format 99" in check(tmp_path, quiet(), status=1).err


class TestAccounts:
    def test_a_damaged_page(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        office("domain", "add", "example.org")
        office.add("anna@example.org")
        file = office.data / "accounts.sqlite"
        with sqlite3.connect(file) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        octets = bytearray(file.read_bytes())
        for page in range(1, len(octets) // 4096):
            octets[page * 4096 : page * 4096 + 64] = b"\xff" * 64
        file.write_bytes(octets)
        done = check(tmp_path, quiet(), status=1)
        assert "MEND  accounts: " in done.err
        assert str(file) in done.err


class TestCertificates:
    def test_a_key_of_another(self, tmp_path: Path) -> None:
        office, other = Office(tmp_path), Office(tmp_path / "other")
        office("domain", "list")
        certificate(office)
        certificate(other)
        key = office.data / "tls" / "privkey.pem"
        key.write_bytes((other.data / "tls" / "privkey.pem").read_bytes())
        done = check(tmp_path, quiet(), status=1)
        assert "does not match" in done.err
        assert str(key) in done.err

    def test_one_that_has_ended(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        office("domain", "list")
        certificate(office, days=900)
        done = check(tmp_path, quiet(), status=1)
        assert "ended on " in done.err
        assert "pop3gw tls renew" in done.err

    def test_names_and_end_are_shown(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        office("domain", "list")
        certificate(office, ("localhost", "mail.example.org", "127.0.0.1"))
        assert "for localhost, mail.example.org, 127.0.0.1, until " in check(tmp_path, quiet()).out

    def test_a_folder_of_the_configuration_that_is_not_there(self, tmp_path: Path) -> None:
        text = quiet() + '[tls]\ncertificates = "nowhere"\n'
        assert str(tmp_path / "nowhere") in check(tmp_path, text, status=1).err


class TestPorts:
    def test_one_taken_by_a_program_that_can_be_known(self, tmp_path: Path) -> None:
        with listening() as port:
            done = check(tmp_path, quiet(port), status=1)
        assert f"taken by the process {os.getpid()} (" in done.err
        assert f"tcp:{port}:" in done.err

    def test_one_named_twice(self, tmp_path: Path) -> None:
        port = free_port()
        done = check(tmp_path, quiet(port) + f'smtp = ["tcp:{port}"]\n', status=1)
        assert "named twice" in done.err

    @pytest.mark.parametrize(
        ("endpoint", "said"),
        [
            ("tcp:0:interface=192.0.2.1", "does not have"),
            ("carrier-pigeon:1", "carrier-pigeon"),
            ("tcp:many", "tcp:many"),
            ("unix:/nowhere/at/all/lmtp", "mkdir -p /nowhere/at/all"),
        ],
    )
    def test_one_that_cannot_be_bound(self, tmp_path: Path, endpoint: str, said: str) -> None:
        done = check(tmp_path, f'data = "data"\n[listen]\nlmtp = ["{endpoint}"]\n', status=1)
        assert said in done.err
        assert "MEND  lmtp: " in done.err

    def test_a_unix_socket(self, tmp_path: Path) -> None:
        path = tmp_path / "lmtp"
        text = f'data = "data"\n[listen]\nlmtp = ["unix:{path}"]\n'
        check(tmp_path, text)
        assert not path.exists()
        with socket.socket(socket.AF_UNIX) as held:
            held.bind(str(path))
            held.listen()
            assert "taken by another program" in check(tmp_path, text, status=1).err
        check(tmp_path, text)

    def test_those_of_this_folders_own_gateway_are_fine(self, tmp_path: Path) -> None:
        text = f'data = "pop3gw-data"\n[listen]\npop3 = ["tcp:{free_port()}"]\n'
        with Gateway(tmp_path, options=(), configuration=text) as gateway:
            done = gateway.admin("check")
            assert b"held by this folder's own gateway" in done.stdout
            assert done.stderr == b""
            other = real(
                ["--config", tmp_path / "pop3gw.toml", "--data", tmp_path / "other", "check"],
                tmp_path,
            )
            assert gateway.process is not None
            assert other.status == 1
            assert f"taken by the process {gateway.process.pid} (" in other.err


class TestHolders:
    def test_another_process(self) -> None:
        code = (
            "import socket\ns = socket.socket(socket.AF_INET6)\ns.bind(('::1', 0))\ns.listen()\n"
            "print(s.getsockname()[1], flush=True)\ninput()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            found = holders(port)
            process.communicate(b"\n", timeout=10)
        assert list(found) == [process.pid]
        assert "-c" in found[process.pid]

    def test_nobody(self) -> None:
        assert holders(free_port()) == {}

    def test_no_proc(self, tmp_path: Path) -> None:
        assert holders(1, tmp_path) == {}


class TestACME:
    def test_without_a_certificate_yet(self, tmp_path: Path) -> None:
        text = quiet() + '[tls]\nacme_names = ["mail.example.org"]\nacme_listen = ["tcp:0"]\n'
        done = check(tmp_path, text, status=1)
        assert (
            "acme: there is no certificate for mail.example.org yet; start the gateway" in done.err
        )
        assert "acme: tcp:0 can be bound" in done.out

    def test_with_one(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        office("domain", "list")
        certificate(office, ("mail.example.org",))
        folder = office.data / "tls" / "mail.example.org"
        folder.mkdir(mode=0o700)
        for name in ("fullchain.pem", "privkey.pem"):
            (office.data / "tls" / name).rename(folder / name)
        text = quiet() + '[tls]\nacme_names = ["mail.example.org"]\nacme_listen = ["tcp:0"]\n'
        assert "ok    acme: mail.example.org from https://" in check(tmp_path, text).out

    def test_a_client_ca_that_is_not_there(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        office("domain", "list")
        certificate(office)
        text = quiet() + '[tls]\nclient_ca = "nowhere.pem"\n'
        assert (
            f"{tmp_path / 'nowhere.pem'}: there is no such file"
            in check(tmp_path, text, status=1).err
        )
