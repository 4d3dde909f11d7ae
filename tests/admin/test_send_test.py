"""`pop3gw send-test`, to the real gateway."""

from __future__ import annotations

import poplib
import re
import shlex
from pathlib import Path

import pytest

from gateway.admin import send_test
from tests.admin.commands import Office
from tests.interop.gateway import Gateway
from tests.programs import require_program, run

LOCAL = "tcp:0:interface=127.0.0.1"


def test_nothing_runs(org: Office) -> None:
    done = org.run("send-test", "anna@example.org", status=1)
    assert "no gateway runs" in done.err
    assert f"twistd -n pop3gw --data {org.data}" in done.err
    assert done.out == ""


def test_not_an_address(org: Office) -> None:
    assert "not an address" in org("send-test", "anna at example", status=1).err


def test_the_message_comes_and_can_be_read_as_told(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        (account,) = gateway.add_accounts(1)
        text = gateway.admin("send-test", account.address).stdout.decode()
        (message_id,) = re.findall(r"^Message-ID: (<.+>)$", text, re.MULTILINE)
        assert re.search(r"^answer: 250 2\.", text, re.MULTILINE)
        assert f"127.0.0.1:{gateway.ports['smtp']}" in text
        box = poplib.POP3("127.0.0.1", gateway.ports["pop3"], timeout=10)
        box.user(account.address)
        box.pass_(account.password)
        _, lines, _ = box.retr(1)
        box.quit()
        assert f"Message-ID: {message_id}".encode() in lines
        (command,) = re.findall(r"^  (curl .+)$", text, re.MULTILINE)
        _read_with_curl(command, account.address, account.password, message_id)


def _read_with_curl(command: str, address: str, password: str, message_id: str) -> None:
    require_program("curl")
    words = [f"{w}:{password}" if w == address else w for w in shlex.split(command)]
    assert message_id.encode() in run([*words, "--silent", "--show-error"]).stdout


@pytest.mark.parametrize("address", ["nobody@localhost", "anna@elsewhere.example"])
def test_what_the_gateway_refuses_is_told(tmp_path: Path, address: str) -> None:
    with Gateway(tmp_path) as gateway:
        done = gateway.admin("send-test", address, status=1)
        assert done.stdout == b""
        assert b"550" in done.stderr
        assert b"RCPT" in done.stderr


def test_over_lmtp_where_there_is_no_smtp(tmp_path: Path) -> None:
    socket = tmp_path / "lmtp"
    options = ["--lmtp", f"unix:{socket}", "--pop3", LOCAL]
    with Gateway(tmp_path, options=options) as gateway:
        (account,) = gateway.add_accounts(1)
        text = gateway.admin("send-test", account.address).stdout.decode()
        assert f"over LMTP (unix:{socket})" in text
        assert gateway.admin_json("user", "show", account.address, "--json")["messages"] == 1


def test_a_gateway_that_receives_nothing(tmp_path: Path) -> None:
    with Gateway(tmp_path, options=["--pop3", LOCAL]) as gateway:
        done = gateway.admin("send-test", "anna@localhost", status=1)
        assert b"neither SMTP nor LMTP" in done.stderr


@pytest.mark.parametrize(
    ("address", "host", "port", "shown"),
    [
        ("127.0.0.1:2525", "127.0.0.1", 2525, "127.0.0.1:2525"),
        ("0.0.0.0:25", "127.0.0.1", 25, "127.0.0.1:25"),
        ("[::]:25", "::1", 25, "[::1]:25"),
        ("[2001:db8::1]:25", "2001:db8::1", 25, "[2001:db8::1]:25"),
        ("unix:/run/pop3gw/lmtp", "/run/pop3gw/lmtp", 0, "unix:/run/pop3gw/lmtp"),
    ],
)
def test_where_a_listener_is_reached(address: str, host: str, port: int, shown: str) -> None:
    place = send_test._place("smtp", address)
    assert place is not None
    assert (place.host, place.port, str(place)) == (host, port, shown)


def test_a_listener_of_a_kind_we_do_not_know() -> None:
    assert send_test._place("smtp", "OnionAddress('x')") is None
