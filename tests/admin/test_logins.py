"""`pop3gw app-password`, `pop3gw bans`, and what `pop3gw user show` tells of logins."""

from __future__ import annotations

import json
import re
import time

from gateway.accounts.logins_file import LoginsFile, last_login, wrong
from tests.admin.commands import Office


def test_app_password(org: Office) -> None:
    made = org("app-password", "add", "anna@example.org", "phone", "--protocol", "pop3").out.strip()
    assert re.fullmatch(r"[a-z2-7]{4}(-[a-z2-7]{4}){3}", made)
    assert "phone\tpop3\t" in org("app-password", "list", "anna@example.org").out
    shown = json.loads(org("user", "show", "anna@example.org", "--json").out)
    assert shown["app_passwords"] == ["phone"]
    assert made not in json.dumps(shown)
    org("app-password", "revoke", "anna@example.org", "phone")
    assert org("app-password", "list", "anna@example.org").out == ""


def test_bans(org: Office) -> None:
    logins = LoginsFile(org.data / "logins.sqlite")
    now = time.time()
    notes = [wrong("anna@example.org", "192.0.2.7", bytes([n, 0]), now) for n in range(12)]
    logins.write([*notes, wrong("ben@example.org", "192.0.2.7", b"xx", now)], 0, 0)
    (ban,) = json.loads(org("bans", "list", "--json").out)
    assert (ban["user"], ban["network"], ban["passwords"]) == ("anna@example.org", "192.0.2.7", 12)
    assert "1 pair " in org("bans", "clear", "Anna@example.org").out
    assert json.loads(org("bans", "list", "--json").out) == []
    assert "1 pair " in org("bans", "clear").out
    logins.close()


def test_last_logins(org: Office) -> None:
    logins = LoginsFile(org.data / "logins.sqlite")
    logins.write([last_login("anna@example.org", "pop3s", "192.0.2.7", "PLAIN", 1.0)], 0, 0)
    logins.close()
    shown = json.loads(org("user", "show", "anna@example.org", "--json").out)
    assert shown["last_logins"] == [
        {
            "protocol": "pop3s",
            "address": "192.0.2.7",
            "mechanism": "PLAIN",
            "at": "1970-01-01T00:00:01+00:00",
        }
    ]
    assert "pop3s 192.0.2.7 PLAIN 1970-01-01" in org("user", "show", "anna@example.org").out
    org("user", "remove", "anna@example.org")
    org.add("anna@example.org")
    shown = json.loads(org("user", "show", "anna@example.org", "--json").out)
    assert shown["last_logins"] == []
