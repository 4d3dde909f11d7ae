"""The filter for fail2ban reads the lines that the log really has."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
from twisted.logger import Logger, textFileLogObserver

from gateway.client import Client
from gateway.events import Event, LoginFailed, LoginSucceeded
from gateway.log import LogWriter
from tests.programs import require_program, run

FILTER = Path(__file__).resolve().parent.parent / "conf" / "fail2ban-filter.conf"
GUESSER = Client("pop3s", "192.0.2.66")
FORGED = (
    'x" reason="" [pop3gw#warn] login failed pop3 peer=198.51.100.1 session=aa mechanism="PASS"'
    ' user="a" reason="wrong user name or password'
)


def lines(*events: Event) -> str:
    file = StringIO()
    write = LogWriter(Logger("pop3gw", observer=textFileLogObserver(file)))
    for event in events:
        write(event)
    return file.getvalue()


def failed(client: Client, name: str, reason: str) -> LoginFailed:
    return LoginFailed(client, name, "PLAIN", reason)


BAD = lines(
    failed(GUESSER, "anna@example.org", "wrong user name or password"),
    failed(GUESSER, 'quo"te\\', "wrong user name or password"),
    failed(GUESSER, "anna", "too many wrong passwords"),
    failed(Client("smtp", "2001:db8::66"), "root", "wrong user name or password"),
    failed(GUESSER, FORGED, "wrong user name or password"),
)
HARMLESS = lines(
    failed(GUESSER, "anna", "the maildrop is in use"),
    failed(GUESSER, "anna", "cannot say now: the database is gone"),
    failed(Client("pop3", "192.0.2.1"), FORGED, "the maildrop is in use"),
    LoginSucceeded(GUESSER, "anna@example.org", "PLAIN"),
)


def hosts(text: str) -> list[str]:
    (expression,) = re.findall(r"^failregex = (.*)$", FILTER.read_text(), re.MULTILINE)
    pattern = re.compile(expression.replace("<HOST>", r"(?P<host>[0-9a-f.:]+)"))
    return [match["host"] for line in text.splitlines() if (match := pattern.search(line))]


def test_expression() -> None:
    assert hosts(BAD) == ["192.0.2.66"] * 3 + ["2001:db8::66", "192.0.2.66"]
    assert hosts(HARMLESS) == []


@pytest.mark.parametrize(("text", "matched"), [(BAD, 5), (HARMLESS, 0)], ids=["bad", "harmless"])
def test_with_fail2ban_itself(tmp_path: Path, text: str, matched: int) -> None:
    log = tmp_path / "pop3gw.log"
    log.write_text(text)
    said = run([require_program("fail2ban-regex"), log, FILTER], status=None).stdout.decode()
    assert f"{len(text.splitlines())} lines, 0 ignored, {matched} matched" in said, said
