"""The programs in docs/embedding.md run as they are printed, on a free port."""

from __future__ import annotations

import poplib
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.docs.pages import ROOT, Block, blocks
from tests.interop.mail import data

EXAMPLES = blocks("python", ROOT / "docs" / "embedding.md")


def _example(name: str) -> Block:
    (found,) = [block for block in EXAMPLES if name in block.text]
    return found


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def _running(block: Block, printed_port: str, log: Path) -> Iterator[int]:
    """The example in a process of its own; yields the port it listens on."""
    assert printed_port in block.text
    port = _free_port()
    script = log.with_suffix(".py")
    script.write_text(block.text.replace(printed_port, str(port)), encoding="utf-8")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-u", script],
            env={"PYTHONPATH": str(ROOT)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(port, process, log)
            yield port
        finally:
            process.terminate()
            process.wait(timeout=10)
    assert "Traceback" not in log.read_text(encoding="utf-8")


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text(encoding="utf-8")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError(log.read_text(encoding="utf-8"))


def test_every_example_is_run() -> None:
    assert {str(_example("POP3Factory")), str(_example("SMTPFactory"))} == set(map(str, EXAMPLES))


def test_pop3_from_a_portal(tmp_path: Path) -> None:
    with _running(_example("POP3Factory"), "1110", tmp_path / "log") as port:
        client = poplib.POP3("127.0.0.1", port, timeout=20)
        client.user("anna")
        client.pass_("secret")
        assert client.retr(1)[1] == [b"Subject: Hello", b"", b"Hello, anna."]
        client.quit()


def test_smtp_to_a_delivery(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with _running(_example("SMTPFactory"), "2525", log) as port:
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
            client.ehlo("client.example.org")
            client.mail("sender@example.org")
            assert client.rcpt("someone@example.com") == (
                550,
                b"5.1.1 write to help@, not to someone@example.com",
            )
            assert client.rcpt("help@example.com")[0] == 250
            assert data(client, b"Subject: help\r\n\r\nIt broke.\r\n")[0] == 250
        assert "from sender@example.org: 28 octets" in log.read_text(encoding="utf-8")
