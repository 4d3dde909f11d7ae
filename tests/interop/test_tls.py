"""TLS of the whole gateway, seen from outside: openssl s_client and Python's ssl."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.net.local_ca import LocalCA
from tests.interop.gateway import Gateway
from tests.programs import require_program, run

STARTED = {"pop3": b"STLS\r\n", "smtp": b"STARTTLS\r\n"}


def _s_client(gateway: Gateway, kind: str, *options: str, status: int | None = 0) -> str:
    start = {"pop3": ["-starttls", "pop3"], "smtp": ["-starttls", "smtp"]}.get(kind, [])
    where = ["-connect", f"127.0.0.1:{gateway.ports[kind]}", "-CAfile", str(gateway.ca), *start]
    openssl = [require_program("openssl"), "s_client", *where, *options]
    done = run(openssl, input="QUIT\n", timeout=30, status=status)
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def _wait_for(gateway: Gateway, text: str) -> None:
    deadline = time.monotonic() + 10
    while text not in gateway.log_since_start:
        assert time.monotonic() < deadline, gateway.log_since_start[-3000:]
        time.sleep(0.02)


def _pair(authority: LocalCA, folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file in ("fullchain.pem", "privkey.pem"):
        (folder / file).unlink(missing_ok=True)
    authority.ensure_certificate(folder / "fullchain.pem", folder / "privkey.pem", names)


@contextmanager
def _tls(gateway: Gateway, name: str | None, kind: str = "pop3s") -> Iterator[ssl.SSLSocket]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(gateway.ca)
    address = ("127.0.0.1", gateway.ports[kind])
    with (
        socket.create_connection(address, timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=name) as line,
    ):
        yield line


def _names(line: ssl.SSLSocket) -> set[str]:
    certificate = line.getpeercert()
    assert certificate
    return {value for kind, value in certificate["subjectAltName"] if kind == "DNS"}


@pytest.mark.parametrize("kind", ["pop3", "smtp"])
def test_what_comes_with_the_command_that_starts_tls_ends_the_connection(
    gateway: Gateway, kind: str
) -> None:
    injected = {"pop3": b"USER mallory\r\n", "smtp": b"RSET\r\n"}[kind]
    with socket.create_connection(("127.0.0.1", gateway.ports[kind]), timeout=20) as line:
        line.recv(4096)
        if kind == "smtp":
            line.sendall(b"EHLO me\r\n")
            while not re.search(rb"^250 ", line.recv(65536), re.MULTILINE):
                pass
        line.sendall(STARTED[kind] + injected)
        assert line.recv(4096) == b"", "neither an answer to it nor a handshake"
    _wait_for(gateway, f"plaintext injected before TLS {kind} peer=127.0.0.1")


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("kind", ["pop3s", "pop3", "smtp"])
def test_sessions_are_resumed(gateway: Gateway, tmp_path: Path, kind: str, version: str) -> None:
    session = tmp_path / "session"
    openssl = [require_program("openssl"), "s_client", version, "-CAfile", str(gateway.ca)]
    start = [] if kind == "pop3s" else ["-starttls", kind]
    where = [*openssl, "-connect", f"127.0.0.1:{gateway.ports[kind]}", *start, "-ign_eof"]
    first = run([*where, "-sess_out", session], input="QUIT\n", timeout=30).stdout
    again = run([*where, "-sess_in", session], input="QUIT\n", timeout=30).stdout
    assert b"\nNew, TLS" in first
    assert b"\nReused, TLS" in again


def test_old_versions_are_refused(gateway: Gateway) -> None:
    old = ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]
    for kind in ("pop3s", "pop3", "smtp"):
        text = _s_client(gateway, kind, *old, status=None)
        assert "Cipher is (NONE)" in text


def test_one_listener_serves_old_clients_and_the_other_does_not(tmp_path: Path) -> None:
    ports = [_free_port(), _free_port()]
    old = f"tcp:{ports[0]}:interface=127.0.0.1"
    configuration = (
        f'[listen]\npop3s = ["{old}", "tcp:{ports[1]}:interface=127.0.0.1"]\n'
        f'[tls]\nlegacy_listeners = ["{old}"]\n'
    )
    with Gateway(tmp_path, options=[], configuration=configuration) as gateway:
        options = ["-tls1", "-cipher", "ALL:@SECLEVEL=0"]
        for port, expected in ((ports[0], "Protocol  : TLSv1\n"), (ports[1], "Cipher is (NONE)")):
            gateway.ports["pop3s"] = port
            assert expected in _s_client(gateway, "pop3s", *options, status=None)


@pytest.mark.parametrize(
    ("networks", "expected"),
    [('["127.0.0.0/8"]', "Protocol  : TLSv1.1\n"), ('["192.0.2.0/24"]', "Cipher is (NONE)")],
)
def test_one_network_may_use_old_versions(tmp_path: Path, networks: str, expected: str) -> None:
    configuration = f"[tls]\nlegacy_networks = {networks}\n"
    with Gateway(tmp_path, configuration=configuration) as gateway:
        for kind in ("pop3s", "pop3", "smtp"):
            options = ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]
            assert expected in _s_client(gateway, kind, *options, status=None)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_a_client_certificate_is_asked_for_and_checked(tmp_path: Path) -> None:
    good = _client_pair(tmp_path, "clients")
    bad = _client_pair(tmp_path, "strangers")
    configuration = '[tls]\nclient_ca = "clients.pem"\n'
    with Gateway(tmp_path, configuration=configuration) as gateway:
        for kind in ("pop3s", "pop3", "smtp"):
            asked = _s_client(gateway, kind, "-tls1_2")
            assert "Acceptable client certificate CA names" in asked
            assert "alert" not in _s_client(gateway, kind, "-tls1_2", *good)
            refused = _s_client(gateway, kind, "-tls1_2", *bad, status=None)
            assert "alert unknown ca" in refused


def _client_pair(folder: Path, authority: str) -> list[str]:
    """Make a CA and a certificate of a person's; return the options with which it is shown."""
    make = [require_program("openssl"), "req", "-x509", "-newkey", "ec", "-nodes", "-days", "9"]
    make += ["-pkeyopt", "ec_paramgen_curve:P-256"]
    ca, ca_key = folder / f"{authority}.pem", folder / f"{authority}-key.pem"
    run([*make, "-subj", f"/CN={authority}", "-keyout", ca_key, "-out", ca])
    chain, key = folder / f"anna-{authority}.pem", folder / f"anna-{authority}-key.pem"
    by = ["-CA", ca, "-CAkey", ca_key, "-addext", "extendedKeyUsage=clientAuth"]
    person = ["-subj", "/CN=anna", "-addext", "subjectAltName=email:anna@example.org"]
    run([*make, *by, *person, "-keyout", key, "-out", chain])
    return ["-cert", str(chain), "-key", str(key)]


def test_no_client_certificate_is_asked_for_by_default(gateway: Gateway) -> None:
    assert "No client certificate CA names sent" in _s_client(gateway, "pop3s", "-tls1_2")


def test_a_renewed_certificate_is_served_without_a_restart(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        data = gateway.data
        authority = LocalCA.open(gateway.ca, data / "ca-key.pem")
        _pair(authority, data / "tls" / "other", "pop.example.org")
        _pair(authority, data / "tls" / "any", "*.example.net")
        time.sleep(1.1)  # files are looked at once a second
        for name, expected in (
            ("pop.example.org", "pop.example.org"),
            ("mail.example.net", "*.example.net"),
            ("nobody.example", "localhost"),
            (None, "localhost"),
        ):
            with _tls(gateway, name) as line:
                assert expected in _names(line)
        gateway.admin("tls", "renew")
        renewed = (data / "tls" / "fullchain.pem").read_text()
        time.sleep(1.1)
        with _tls(gateway, "localhost") as line:
            served = ssl.DER_cert_to_PEM_cert(line.getpeercert(binary_form=True) or b"")
            assert served in renewed
        chain = data / "tls" / "other" / "fullchain.pem"
        chain.write_bytes(chain.read_bytes()[:300])
        time.sleep(1.1)
        with _tls(gateway, "pop.example.org") as line:
            assert "pop.example.org" in _names(line)
        _wait_for(gateway, f"certificate not taken, the old one stays: {chain}")


def test_the_default_name_is_served_to_clients_that_send_none(tmp_path: Path) -> None:
    authority = LocalCA.open(tmp_path / "ca.pem", tmp_path / "ca-key.pem")
    for name in ("a.example", "b.example"):
        _pair(authority, tmp_path / "certificates" / name, name)
    configuration = '[tls]\ncertificates = "certificates"\ndefault_name = "b.example"\n'
    with Gateway(tmp_path, configuration=configuration) as gateway:
        gateway.data.mkdir(exist_ok=True)
        shutil.copy(tmp_path / "ca.pem", gateway.ca)
        with _tls(gateway, None) as line:
            assert _names(line) == {"b.example"}
        with _tls(gateway, "a.example") as line:
            assert _names(line) == {"a.example"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops privileges")
def test_after_privileges_are_dropped(open_folder: Path) -> None:
    authority = LocalCA.open(open_folder / "ca.pem", open_folder / "ca-key.pem")
    live = open_folder / "live"
    for name in ("open.example", "shut.example"):
        _pair(authority, live / name, name)
    for path in (live, live / "open.example", live / "shut.example"):
        path.chmod(0o755)
    (live / "open.example" / "privkey.pem").chmod(0o644)
    configuration = f'[tls]\ncertificates = "{live}"\n'
    twistd = ["--uid", "65534", "--gid", "65534"]
    with Gateway(open_folder, configuration=configuration, twistd=twistd) as gateway:
        shutil.copy(open_folder / "ca.pem", gateway.ca)
        for name in ("open.example", "shut.example"):
            with _tls(gateway, name) as line:
                assert _names(line) == {name}
        key = live / "shut.example" / "privkey.pem"
        _wait_for(gateway, f"trouble with {key}: cannot be read by the user nobody; ")
        assert f"chmod g+r {key}" in gateway.log
        assert f"trouble with {live / 'open.example'}" not in gateway.log
        for name in ("open.example", "shut.example"):
            _pair(authority, live / name, name, "new.example")
        (live / "open.example" / "privkey.pem").chmod(0o644)
        time.sleep(1.1)
        with _tls(gateway, "open.example") as line:
            assert _names(line) == {"open.example", "new.example"}
        with _tls(gateway, "shut.example") as line:
            assert _names(line) == {"shut.example"}
        _wait_for(gateway, f"the old one stays: {key}: cannot be read: permission denied")
