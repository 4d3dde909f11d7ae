"""SIGTERM while mail arrives: what was answered 250 stays, what was answered 421 is not stored."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest

from gateway.service import WIND_DOWN_SECONDS
from tests.interop.gateway import Account, Gateway
from tests.interop.mail import mailbox, send

EACH = 6
"""Sessions of each kind."""


class Session:
    """One SMTP session with a message that has a name of its own.

    @param last: what is sent after RCPT; `{name}` is the message.
    """

    def __init__(self, gateway: Gateway, user: Account, name: str, last: bytes) -> None:
        self.name = name.encode()
        self._socket = socket.create_connection(("127.0.0.1", gateway.ports["smtp"]), 20)
        begun = b"EHLO x\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<%s>\r\n" % user.address.encode()
        self._socket.sendall(begun)
        said = b""
        while b"\r\n250 2.1.5" not in said:
            said += self._socket.recv(10_000)
        self._last = last.replace(b"{name}", self.name)

    def go_on(self) -> None:
        self._socket.sendall(self._last)

    def rest(self) -> list[bytes]:
        """What the server says until it closes, in lines."""
        said = b""
        try:
            while octets := self._socket.recv(10_000):
                said += octets
        except ConnectionResetError:
            pass
        self._socket.close()
        return said.splitlines()


KINDS = {
    "idle": b"",
    "half-data": b"DATA\r\nSubject: {name}\r\n\r\nhalf",
    "half-chunk": b"BDAT 1000 LAST\r\nSubject: {name}\r\n\r\nhalf",
    "between-chunks": b"BDAT 9\r\nSubject: BDAT 20\r\n{name}",
    "whole-data": b"DATA\r\nSubject: {name}\r\n\r\nwhole\r\n.\r\n",
    "whole-chunk": b"BDAT 40 LAST\r\nSubject: {name}" + b" " * 40,
}


def stored_names(folder: Path) -> list[bytes]:
    return [file.read_bytes().partition(b"Subject: ")[2] for file in folder.glob("new/*")]


def test_stop(tmp_path: Path) -> None:
    with Gateway(tmp_path, store="maildir") as gateway:
        user, reader = gateway.add_accounts(2)
        send(gateway, [reader.address], b"Subject: stays\r\n\r\ntext\r\n")
        folders = gateway.mailbox(user), gateway.mailbox(reader)
        with mailbox(gateway, reader) as pop3:
            pop3.dele(1)
            sessions = {
                kind: [Session(gateway, user, f"{kind}-{at}.", last) for at in range(EACH)]
                for kind, last in KINDS.items()
            }
            for at in range(EACH):
                for kind in KINDS:
                    sessions[kind][at].go_on()
            assert gateway.process is not None
            gateway.process.send_signal(signal.SIGTERM)
            answers = {session.name: session.rest() for kind in KINDS for session in sessions[kind]}
            status = gateway.process.wait(WIND_DOWN_SECONDS + 10)
            gateway.process = None
            assert status in (0, -signal.SIGTERM)
            pop3.quit = lambda: b""  # type: ignore[method-assign]
            pop3.close()
        stored = stored_names(folders[0])
        for name, answer in answers.items():
            copies = sum(text.startswith(name) for text in stored)
            promised = sum(line.startswith(b"250 2.0.0 stored") for line in answer)
            assert copies == promised, (name, answer)
            assert answer[-1].startswith(b"421 4.3.2 "), (name, answer)
        assert not any(name.startswith((b"idle", b"half", b"between")) for name in stored)
        assert stored_names(folders[1]) == [b"stays\n\ntext\n"], "no UPDATE without QUIT"


@pytest.mark.parametrize("workers", [1, 2])
def test_signals_that_come_together_are_obeyed_once(tmp_path: Path, workers: int) -> None:
    gateway = Gateway(tmp_path, configuration=f"[service]\nworkers = {workers}\n")
    gateway.start()
    process = gateway.process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGCONT)
    assert process.wait(20) in (0, -signal.SIGINT, -signal.SIGTERM)
    gateway.assert_no_mishap()
