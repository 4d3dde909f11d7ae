"""People behind one address work on while a machine beside them guesses."""

from __future__ import annotations

import poplib
import smtplib
import threading
import time
from pathlib import Path

import pytest

from tests.interop.gateway import Account, Gateway

CONFIGURATION = """
[listen]
pop3 = ["tcp:0:interface=127.0.0.1"]
smtp = ["tcp:0:interface=127.0.0.1"]
[auth]
plaintext = "loopback"
failure_seconds = 0.1
throttle_delay_seconds = 1.0
"""


def _login(port: int, name: str, password: str) -> str:
    client = poplib.POP3("127.0.0.1", port, timeout=60)
    try:
        client.user(name)
        client.pass_(password)
        client.quit()
    except poplib.error_proto as error:
        return str(error)
    finally:
        client.close()
    return "in"


class Guesser(threading.Thread):
    """Tries passwords of one user, one after the other."""

    def __init__(self, port: int, name: str, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._name = name
        self._stop_guessing = stop
        self.answers: list[str] = []

    def run(self) -> None:
        while not self._stop_guessing.is_set():
            guess = f"guess {len(self.answers)}"
            self.answers.append(_login(self._port, self._name, guess))


@pytest.mark.measured
def test_ten_people_work_while_an_eleventh_machine_guesses(tmp_path: Path) -> None:
    with Gateway(tmp_path, configuration=CONFIGURATION, options=[]) as gateway:
        people = gateway.add_accounts(10)
        (absent,) = gateway.add_accounts(1)
        port = gateway.ports["pop3"]
        for person in people:
            assert _login(port, person.address, person.password) == "in"
        stop = threading.Event()
        victims = [*people[:3], absent, Account("nobody@localhost", "")]
        guessers = [Guesser(port, victim.address, stop) for victim in victims]
        for guesser in guessers:
            guesser.start()
        slowest, end = 0.0, time.monotonic() + 20
        while time.monotonic() < end:
            for person in people:
                began = time.monotonic()
                assert _login(port, person.address, person.password) == "in"
                slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.2)
        stop.set()
        for guesser in guessers:
            guesser.join(30)
        # Nobody who works here was kept waiting as the guessers are.
        assert slowest < 1.0
        assert all(answer != "in" for guesser in guessers for answer in guesser.answers)
        for guesser in guessers[3:]:
            assert guesser.answers[9].startswith("b'-ERR [AUTH]")
            assert all("[SYS/TEMP]" in answer for answer in guesser.answers[10:])
            assert len(guesser.answers) > 12
        bans = gateway.admin_json("bans", "list", "--json")
        assert {ban["user"] for ban in bans} == {absent.address, "nobody@localhost"}
        assert _login(port, absent.address, absent.password).startswith("b'-ERR [SYS/TEMP]")
        with smtplib.SMTP("127.0.0.1", gateway.ports["smtp"], timeout=30) as client:
            client.ehlo()
            with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
                client.login(absent.address, absent.password, initial_response_ok=True)
            assert caught.value.smtp_code == 454
        gateway.admin("bans", "clear")
        assert _login(port, absent.address, absent.password) == "in"
