"""A private Postfix that relays to a gateway: in folders of its own, on loopback only."""

from __future__ import annotations

import os
import shutil
import smtplib
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.programs import require_program, run

LIFETIME = 120
"""Seconds after which it ends by itself, whatever becomes of the test."""

_SERVICES = """
smtpd       unix  -  -  n  -  -  smtpd
cleanup     unix  n  -  n  -  0  cleanup
qmgr        unix  n  -  n  300  1  qmgr
tlsmgr      unix  -  -  n  1000?  1  tlsmgr
rewrite     unix  -  -  n  -  -  trivial-rewrite
bounce      unix  -  -  n  -  0  bounce
defer       unix  -  -  n  -  0  bounce
trace       unix  -  -  n  -  0  bounce
verify      unix  -  -  n  -  1  verify
flush       unix  n  -  n  1000?  0  flush
proxymap    unix  -  -  n  -  -  proxymap
smtp        unix  -  -  n  -  -  smtp
lmtp        unix  -  -  n  -  -  lmtp
error       unix  -  -  n  -  -  error
retry       unix  -  -  n  -  -  error
discard     unix  -  -  n  -  -  discard
anvil       unix  -  -  n  -  1  anvil
scache      unix  -  -  n  -  1  scache
postlog     unix-dgram  n  -  n  -  1  postlogd
"""


class Postfix:
    """Use it as a context manager.

    @param transports: for each domain, how its mail is sent on, as transport(5) has it.
    @param settings: lines for main.cf.
    """

    def __init__(self, transports: dict[str, str], settings: Sequence[str] = ()) -> None:
        postconf = require_program("postconf")
        if os.geteuid() != 0:
            pytest.skip("Postfix can be started by root only")
        self._master = Path(run([postconf, "-dh", "daemon_directory"]).stdout.decode().strip())
        # Not below pytest's folder, which Postfix's own user cannot enter.
        self.folder = Path(tempfile.mkdtemp(prefix="postfix"))
        self.folder.chmod(0o755)
        self._process: subprocess.Popen[bytes] | None = None
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port = int(server.getsockname()[1])
        self._configure(transports, settings)

    def _configure(self, transports: dict[str, str], settings: Sequence[str]) -> None:
        folder = self.folder
        lines = [
            "compatibility_level = 3.6",
            f"queue_directory = {folder}/queue",
            f"data_directory = {folder}/data",
            f"maillog_file = {folder}/log",
            f"maillog_file_prefixes = {folder}",
            "myhostname = sender.example.com",
            "mydestination =",
            "mynetworks = 127.0.0.0/8",
            "inet_interfaces = 127.0.0.1",
            "inet_protocols = ipv4",
            "smtp_host_lookup = native",
            "lmtp_host_lookup = native",
            "alias_maps =",
            "local_recipient_maps =",
            "message_size_limit = 60000000",
            "minimal_backoff_time = 1s",
            "queue_run_delay = 1s",
            f"transport_maps = texthash:{folder}/transport",
            *settings,
        ]
        (folder / "main.cf").write_text("\n".join(lines) + "\n")
        listener = f"127.0.0.1:{self.port} inet n - n - - smtpd"
        (folder / "master.cf").write_text(f"{listener}{_SERVICES}")
        (folder / "transport").write_text(
            "".join(f"{domain} {transport}\n" for domain, transport in transports.items())
        )
        (folder / "queue").mkdir()
        (folder / "data").mkdir()
        shutil.chown(folder / "data", "postfix")

    def __enter__(self) -> Postfix:
        # It makes the missing folders of the queue, and complains of nothing else.
        run(["postfix", "-c", self.folder, "check"], status=None)
        self._process = subprocess.Popen(
            [self._master / "master", "-c", self.folder, "-d", "-e", str(LIFETIME)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.05)
        self._stop()
        pytest.fail(f"Postfix did not start:\n{self.log}")

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def log(self) -> str:
        """What it has logged."""
        file = self.folder / "log"
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    def send(self, recipients: Sequence[str], message: bytes, *options: str) -> None:
        """Hand it a message."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=20) as client:
            client.sendmail("sender@sender.example.com", list(recipients), message, list(options))

    def wait_for(self, text: str, count: int = 1, seconds: float = 30) -> None:
        """Wait until it has logged a text so often."""
        deadline = time.monotonic() + seconds
        while self.log.count(text) < count:
            if time.monotonic() > deadline:
                pytest.fail(f"Postfix did not log {text!r}:\n{self.log[-6000:]}")
            time.sleep(0.05)
