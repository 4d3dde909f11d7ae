"""`pop3gw import pop3`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.store.kinds import KINDS
from tests.admin.commands import Office
from tests.imports.maildirs import ours, put
from tests.imports.old_pop3 import ScriptedServer
from tests.interop.gateway import Account, Gateway
from tests.interop.mail import SAMPLES, finished, large_message, read_all, send

ANNA = "anna@example.org"
DATED = (
    b"Received: from a by b; Tue, 14 Nov 2023 22:13:20 +0000\r\n"
    b"Received: from x by a;\r\n\tMon, 13 Nov 2023 22:13:20 +0000\r\n"
    b"Date: Sun, 12 Nov 2023 22:13:20 +0000\r\n\r\ntext\r\n"
)
TWO: dict[str, bytes | None] = {
    "LIST": b"+OK\r\n1 10\r\n2 20 octets\r\n.\r\n",
    "UIDL": b"+OK\r\n1 abc\r\n2\tdef \r\n.\r\n",
    "RETR 1": b"+OK\r\n" + DATED + b"..\r\n.\r\n",
    "RETR 2": b"+OK\r\nlines with LF only\n..x\n.\n",
}


def fetch(office: Office, server: ScriptedServer, *words: str, status: int = 0) -> Any:
    """Import from a server, in clear."""
    options = ("--tls", "none", "--password-stdin", *words)
    return office(
        "import", "pop3", server.address, ANNA, *options, stdin="secret word\n", status=status
    )


@pytest.mark.parametrize("office", sorted(KINDS), indirect=True)
def test_messages_uidls_and_times(office: Office) -> None:
    with ScriptedServer(TWO) as server:
        done = fetch(office, server)
    assert "2  with the unique-id" in done.out
    assert "DELE" not in " ".join(server.commands)
    assert "PASS secret word" in server.commands
    first, second = ours(office)
    assert (first.uidl, second.uidl) == ("abc", "def")
    assert first.octets == DATED + b".\r\n"
    assert second.octets == b"lines with LF only\r\n.x\r\n"
    assert first.arrived == 1_700_000_000
    assert second.arrived == pytest.approx(first.arrived, abs=0.001)


def test_a_second_run_fetches_nothing(office: Office) -> None:
    with ScriptedServer(TWO) as server:
        fetch(office, server)
        server.commands.clear()
        assert "2  here already" in fetch(office, server).out
    assert not [command for command in server.commands if command.startswith("RETR")]


def test_a_dry_run_fetches_nothing(office: Office) -> None:
    with ScriptedServer(TWO) as server:
        assert "2  with the unique-id" in fetch(office, server, "--dry-run").out
    assert not [command for command in server.commands if command.startswith("RETR")]


def test_mail_that_is_here_already_is_matched_by_content(office: Office) -> None:
    put(office, DATED + b".\r\n")
    with ScriptedServer(TWO) as server:
        dry = fetch(office, server, "--dry-run").out
        assert "1  of these here already under another unique-id" in dry
        fetch(office, server)
    assert [message.uidl for message in ours(office)] == ["abc", "def"]


def test_a_server_without_uidl(office: Office) -> None:
    with ScriptedServer({**TWO, "UIDL": b"-ERR what?\r\n"}) as server:
        assert (
            "2  new to mail programs: the old server has no unique-ids" in fetch(office, server).out
        )
        assert "2  here already" in fetch(office, server).out
    assert len(ours(office)) == 2


def test_a_message_without_any_date_is_of_now(office: Office) -> None:
    before = time.time()
    with ScriptedServer({**TWO, "RETR 1": b"+OK\r\nDate: nonsense\r\n\r\n.\r\n"}) as server:
        fetch(office, server)
    assert before <= ours(office)[0].arrived <= time.time()


@pytest.mark.parametrize(
    ("answers", "what"),
    [
        ({"greeting": b"-ERR busy\r\n"}, "answered to the greeting: -ERR busy"),
        ({"greeting": None}, "closed the connection"),
        ({"greeting": b"SSH-2.0\r\n"}, "answered to the greeting: SSH-2.0"),
        ({"PASS": b"-ERR [AUTH] no\r\n"}, f"{ANNA}: 127.0.0.1"),
        ({"LIST": b"+OK\r\nx\r\n.\r\n"}, "answered LIST with 'x'"),
        ({"UIDL": b"+OK\r\n1\r\n.\r\n"}, "answered UIDL with '1'"),
        ({"LIST": None}, "closed the connection: run the same command again"),
    ],
)
def test_mishaps_before_anything_is_stored(
    office: Office, answers: dict[str, bytes | None], what: str
) -> None:
    with ScriptedServer({**TWO, **answers}) as server:
        done = fetch(office, server, status=1)
    assert what in done.err
    assert "secret" not in done.err + done.out
    assert ours(office) == []


def test_a_lost_connection(office: Office) -> None:
    with ScriptedServer({**TWO, "RETR 2": None}) as server:
        done = fetch(office, server, status=1)
    assert "not all of it" in done.out
    assert [message.uidl for message in ours(office)] == ["abc"]


def test_a_message_that_the_server_cannot_send(office: Office) -> None:
    with ScriptedServer({**TWO, "RETR 1": b"-ERR disk fails\r\n"}) as server:
        done = fetch(office, server, status=1)
    assert f"not imported: {server.address} answered to RETR 1: -ERR disk fails" in done.out
    assert [message.uidl for message in ours(office)] == ["def"]


def test_half_a_message_is_not_stored(office: Office) -> None:
    half = b"+OK\r\nhalf a message\r\n"
    with ScriptedServer({**TWO, "RETR 2": half, "close after": b"RETR 2"}) as server:
        done = fetch(office, server, status=1)
    assert "closed the connection: run the same command again" in done.out
    assert [message.uidl for message in ours(office)] == ["abc"]


def test_nobody_answers(office: Office) -> None:
    with ScriptedServer({}) as server:
        pass
    assert f"{server.address}: connection refused" in fetch(office, server, status=1).err.lower()


@pytest.mark.parametrize("place", ["", "a:b", "host:0", "host:99999", "a b:c:d"])
def test_no_server(office: Office, place: str) -> None:
    done = office("import", "pop3", place, ANNA, "--password-stdin", stdin="x\n", status=2)
    assert "is not HOST or HOST:PORT" in done.err


def test_a_missing_authority(office: Office) -> None:
    done = office("import", "pop3", "localhost", ANNA, "--ca", "/absent", status=2)
    assert "there is no file /absent" in done.err


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Account]]:
    """A gateway that plays the old server, with mail of all kinds."""
    with Gateway(tmp_path_factory.mktemp("old")) as gateway:
        (account,) = gateway.add_accounts(1)
        for name in ("plain", "leading-dots", "very-long-line", "empty", "every-octet"):
            send(gateway, [account.address], SAMPLES[name])
        send(gateway, [account.address], large_message(3_000_000))
        yield gateway, account


@pytest.mark.parametrize("tls", ["pop3s", "stls"])
def test_over_tls(office: Office, old: tuple[Gateway, Account], tls: str) -> None:
    gateway, account = old
    port = gateway.ports["pop3s" if tls == "pop3s" else "pop3"]
    words = ["--tls", tls, "--login", account.address, "--password-stdin", "--json"]
    server = f"localhost:{port}"
    stdin = f"{account.password}\n"
    refused = office("import", "pop3", server, ANNA, *words, stdin=stdin, status=1)
    assert "the certificate is not to be trusted" in refused.err
    assert "--ca FILE" in refused.err
    done = office("import", "pop3", server, ANNA, *words, "--ca", gateway.ca, stdin=stdin)
    assert done.json["mailboxes"][0]["kept"] == 6
    sent = read_all(gateway, account)
    assert [message.octets for message in ours(office)] == sent
    assert sent[2].endswith(finished(SAMPLES["very-long-line"]))
