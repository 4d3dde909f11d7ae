"""The help-desk of docs/examples/ as the documentation says to run it, over real sockets."""

from __future__ import annotations

import json
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.docs.test_embedding import _free_port, _wait_for
from tests.interop.gateway import COMMAND
from tests.interop.mail import data
from tests.programs import run

HELPDESK = ROOT / "docs" / "examples" / "helpdesk.py"
MESSAGE = b"Subject: x\r\n\r\nIt broke.\r\n"


def admin(folder: Path, *arguments: str) -> bytes:
    command = [sys.executable, "-c", COMMAND, "--data", str(folder), *arguments]
    env = {"PYTHONPATH": str(ROOT)}
    return run(command, input="pass word\n", env=env, cwd=folder.parent).stdout


@contextmanager
def helpdesk(tmp_path: Path) -> Iterator[smtplib.SMTP]:
    """The program with a user anna@example.com, and a client that has greeted it."""
    folder, log, port = tmp_path / "mail", tmp_path / "log", _free_port()
    admin(folder, "domain", "add", "example.com")
    admin(folder, "user", "add", "anna@example.com", "--password-stdin")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-u", HELPDESK, folder, str(port)],
            env={"PYTHONPATH": str(ROOT)},
            cwd=tmp_path,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(port, process, log)
            with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
                client.ehlo("client.example.org")
                yield client
        finally:
            process.terminate()
            process.wait(timeout=10)
    assert "Traceback" not in log.read_text(encoding="utf-8")


def rcpt(client: smtplib.SMTP, address: str, sender: str = "sender@example.org") -> str:
    client.rset()
    client.mail(sender)
    code, text = client.rcpt(address)
    return f"{code} {text.split()[0].decode()}"


def tickets(tmp_path: Path) -> list[dict[str, object]]:
    lines = (tmp_path / "tickets.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_the_help_desk(tmp_path: Path) -> None:
    with helpdesk(tmp_path) as client:
        # accepted, at once and after a Deferred
        assert rcpt(client, "help@example.com") == "250 2.1.5"
        assert client.rcpt("ticket-7@example.com")[0] == 250
        assert data(client, MESSAGE)[0] == 250
        (ticket,) = tickets(tmp_path)
        assert ticket["tickets"] == [0, 7]
        assert ticket["text"] == MESSAGE.decode()
        # refused for good: a recipient, after a Deferred, a sender, a message
        assert rcpt(client, "ticket-x@example.com") == "550 5.1.1"
        assert rcpt(client, "ticket-1000@example.com") == "550 5.2.1"
        client.rset()
        assert client.mail("mailer-daemon@example.org")[0] == 550
        assert rcpt(client, "help@example.com") == "250 2.1.5"
        assert data(client, (b"x" * 70 + b"\r\n") * 15_000)[0] == 552
        # refused for now
        assert rcpt(client, "help@example.com") == "250 2.1.5"
        assert client.rcpt("anna@example.com")[0] == 452
        assert len(tickets(tmp_path)) == 1
        # passed on, and redirected
        assert rcpt(client, "nobody@example.com") == "550 5.1.1"
        assert rcpt(client, "anna@example.com") == "250 2.1.5"
        assert data(client, MESSAGE)[0] == 250
        assert rcpt(client, "sales@example.com") == "250 2.1.5"
        assert data(client, MESSAGE)[0] == 250
    shown = admin(tmp_path / "mail", "user", "show", "anna@example.com", "--json")
    assert json.loads(shown)["messages"] == 2


def test_what_cannot_be_written_is_refused_for_now(tmp_path: Path) -> None:
    (tmp_path / "tickets.jsonl").mkdir()
    with helpdesk(tmp_path) as client:
        assert rcpt(client, "help@example.com") == "250 2.1.5"
        assert data(client, MESSAGE)[0] == 451
        (tmp_path / "tickets.jsonl").rmdir()
        assert rcpt(client, "help@example.com") == "250 2.1.5"
        assert data(client, MESSAGE)[0] == 250


@pytest.mark.parametrize("name", ["HelpDesk", "Tickets"])
def test_the_page_points_to_it(name: str) -> None:
    page = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
    assert "examples/helpdesk.py" in page
    assert f"class {name}" in HELPDESK.read_text(encoding="utf-8")
