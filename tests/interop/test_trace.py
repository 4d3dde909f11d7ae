"""The life of a message in the running gateway, as `pop3gw trace` tells it."""

from __future__ import annotations

import json
import poplib
import smtplib
import time
from pathlib import Path
from typing import Any

from tests.interop.gateway import Gateway
from tests.interop.mail import data

MESSAGE = b"Subject: x\r\nMessage-ID: <one@example.org>\r\n\r\nHello\r\n"
# The header is there long before the octet that is refused.
TOO_LATE = b"Message-ID: <two@example.org>\r\n\r\n" + b"x\r\n" * 100_000 + b"\0\r\n"


def happened(gateway: Gateway, what: str, last: str) -> dict[str, Any]:
    """What the command tells, once the last thing that is waited for has been written down."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        done = gateway.admin("trace", what, "--json", status=None)
        if done.returncode == 0 and last in done.stdout.decode():
            (life,) = json.loads(done.stdout)
            return dict(life)
        time.sleep(0.1)
    raise AssertionError(done)


def test_from_mail_to_deletion(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        (anna,) = gateway.add_accounts(1)
        with smtplib.SMTP("127.0.0.1", gateway.ports["smtp"], timeout=20) as client:
            client.ehlo("client.example.org")
            client.mail("sender@example.org")
            assert client.rcpt("nobody@localhost")[0] == 550
            client.rcpt(anna.address)
            assert data(client, MESSAGE)[0] == 250
            client.mail("sender@example.org")
            client.rcpt(anna.address)
            assert data(client, TOO_LATE)[0] == 554
        reader = poplib.POP3("127.0.0.1", gateway.ports["pop3"], timeout=20)
        reader.user(anna.address)
        reader.pass_(anna.password)
        reader.retr(1)
        reader.dele(1)
        reader.quit()
        life = happened(gateway, "<one@example.org>", '"deleted"')
        shown = [(row["what"], row.get("address")) for row in life["happenings"]]
        assert shown == [
            ("mail", None),
            ("refused", "nobody@localhost"),
            ("stored", anna.address),
            ("retrieved", anna.address),
            ("deleted", anna.address),
        ]
        assert {row["host"] for row in life["happenings"]} == {"127.0.0.1"}
        assert life["happenings"][4]["user"] == anna.address
        assert happened(gateway, life["id"], "deleted") == life

        refused = happened(gateway, "two@example.org", '"refused"')
        assert refused["happenings"][1]["reply"].startswith("554 5.6.0")
        text = gateway.admin("trace", anna.address).stdout.decode()
        assert text.count("Message-ID <") == 2
        assert f"{anna.address}  (pop3 from 127.0.0.1" in text
        unknown = gateway.admin("trace", "three@example.org", status=1)
        assert b"nothing is known of" in unknown.stderr


def test_a_connection_that_is_lost_half_way(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        (anna,) = gateway.add_accounts(1)
        client = smtplib.SMTP("127.0.0.1", gateway.ports["smtp"], timeout=20)
        client.ehlo("client.example.org")
        client.mail("sender@example.org")
        client.rcpt(anna.address)
        client.putcmd("data")
        assert client.getreply()[0] == 354
        client.send(MESSAGE)
        client.close()
        life = happened(gateway, anna.address, "abandoned")
        assert [row["what"] for row in life["happenings"]] == ["mail", "abandoned"]


def test_what_waits_is_written_when_the_gateway_stops(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        (anna,) = gateway.add_accounts(1)
        with smtplib.SMTP("127.0.0.1", gateway.ports["smtp"], timeout=20) as client:
            client.sendmail("sender@example.org", [anna.address], MESSAGE)
        gateway.stop()
        assert len(gateway.admin_json("trace", anna.address, "--json")) == 1
        assert (gateway.data / "trace.sqlite").stat().st_mode & 0o077 == 0


def test_switched_off(tmp_path: Path) -> None:
    configuration = '[auth]\nplaintext = "loopback"\n[service]\ntrace_days = 0\n'
    with Gateway(tmp_path, configuration=configuration) as gateway:
        assert not (gateway.data / "trace.sqlite").exists()
        gateway.admin("trace", "anna@localhost", status=1)
    assert not (gateway.data / "trace.sqlite").exists()
