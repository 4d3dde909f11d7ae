"""`pop3gw message`, and what `domain set` and `user set` decide about mailboxes."""

from __future__ import annotations

import math
import time

import pytest

from gateway.client import Client
from gateway.store.interfaces import MessageAttributes
from tests.admin.commands import Office
from tests.store.conformance import deliver, opened, result
from tests.store.maildir_place import MaildirPlace

ANNA = "anna@example.org"
MESSAGE = b"From: =?utf-8?q?J=C3=BCrgen?= <j@example.net>\r\nSubject: one\r\n two\r\n\r\nhello\r\n"


def decided(org: Office, address: str = ANNA) -> dict[str, object]:
    shown = org("user", "show", address, "--json").json
    keys = ("login_delay_seconds", "login_delay_hard", "expire_days", "keep", "undelete_days")
    return {key: shown[key] for key in keys}


def test_the_nearest_decision_counts(org: Office) -> None:
    nothing = decided(org)
    assert nothing == {
        "login_delay_seconds": 0,
        "login_delay_hard": True,
        "expire_days": 0,
        "keep": False,
        "undelete_days": 0,
    }
    done = org("domain", "set", "Example.ORG", "undelete_days", "14")
    assert done.out == "example.org: undelete_days is 14 now\n"
    done = org("user", "set", "Anna@example.org", "keep", "yes")
    assert done.out == "anna@example.org: keep is yes now\n"
    assert decided(org) == {**nothing, "undelete_days": 14, "keep": True}
    assert decided(org, "ben@example.org") == {**nothing, "undelete_days": 14}
    assert org("domain", "list", "--json").json[0]["policies"] == {"undelete_days": 14}
    org("user", "set", ANNA, "keep", "default")
    org("domain", "set", "example.org", "undelete_days", "default")
    assert decided(org) == nothing


def test_what_the_configuration_has_is_shown(org: Office) -> None:
    file = org.folder / "pop3gw.toml"
    file.write_text(f'data = "{org.data}"\n[pop3]\nexpire_days = 90\n', encoding="utf-8")
    done = org("--config", file, "user", "set", ANNA, "keep", "no")
    assert done.out == "anna@example.org: keep is no now\n"
    assert org("--config", file, "user", "show", ANNA, "--json").json["expire_days"] == 90


def test_refusals(org: Office) -> None:
    assert "expire_days takes days" in org("user", "set", ANNA, "expire_days", "x", status=1).err
    assert "no user" in org("user", "set", "c@example.org", "keep", "yes", status=1).err
    assert "not served" in org("domain", "set", "other.example", "keep", "yes", status=1).err
    assert "quota_octets" in org("domain", "set", "example.org", "a", "b", status=1).err
    assert "no user" in org("message", "list", "c@example.org", status=1).err
    done = org("message", "undelete", ANNA, "no-such-id", status=1)
    assert "no-such-id" in done.err


@pytest.mark.parametrize(("until", "shown"), [(math.inf, "for ever"), (2e9, "2033-05-18T")])
def test_list_and_undelete(org: Office, until: float, shown: str) -> None:
    place = MaildirPlace(org.data)
    attributes = MessageAttributes(arrived=1e9, uidl="first")
    for given in (attributes, MessageAttributes(uidl="second")):
        deliver(place.store, MESSAGE, ANNA, attributes=given)
    maildrop = opened(place.store, ANNA, by=Client("pop3", "192.0.2.1"))
    assert result(maildrop.set_aside([0, 1], until)) == []
    maildrop.release()
    first, second = org("message", "list", ANNA, "--json").json
    assert first == {
        "id": "first",
        "arrived": "2001-09-09T01:46:40+00:00",
        "octets": len(MESSAGE),
        "from": "Jürgen <j@example.net>",
        "subject": "one  two",
        "until": first["until"],
    }
    assert first["until"].startswith(shown)
    assert second["arrived"][:4] >= time.strftime("%Y", time.gmtime(1.7e9))
    assert org("message", "list", ANNA).out.startswith("first\t2001-09-09")
    assert "brought 1 message of" in org("message", "undelete", ANNA, "second").out
    assert list(opened(place.store, ANNA).snapshot.uidls) == ["second"]
    assert "brought 1 message of" in org("message", "undelete", ANNA).out
    assert org("message", "list", ANNA, "--json").json == []
    assert org("message", "list", ANNA).out == ""
    assert "brought 0 messages of" in org("message", "undelete", ANNA).out
    place.close()
