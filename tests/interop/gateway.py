"""The real gateway in a process of its own, for tests that talk to it over real sockets."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.programs import run

ROOT = Path(__file__).resolve().parent.parent.parent
TWISTD = "import sys; from twisted.scripts.twistd import run; sys.argv[0] = 'twistd'; run()"
COMMAND = (
    "import sys; from gateway.admin.main import main; sys.argv[0] = 'pop3gw'; sys.exit(main())"
)
LOOPBACK = ("--pop3", "--pop3s", "--smtp", "--lmtp")

_LISTENING = re.compile(r"listening (\w+) (\S+)$", re.MULTILINE)
_READY = re.compile(r"\bready$", re.MULTILINE)
_MISHAPS = ("Traceback", "Unhandled", "InternalError")


def listeners_on_loopback() -> list[str]:
    """The options that give every listener a free port of 127.0.0.1."""
    return [part for option in LOOPBACK for part in (option, "tcp:0:interface=127.0.0.1")]


@dataclass(frozen=True)
class Account:
    """A user of the gateway."""

    address: str
    password: str


class Gateway:
    """A gateway with its data in a folder of its own.

    Use it as a context manager: it starts, and at the end it stops and its log must hold no
    traceback. `start` may be called again after `stop` or `kill9`.

    @param folder: an existing folder; data, log and configuration are put there.
    @param options: of `twistd pop3gw`, beside `--data`.
    @param twistd: options of `twistd` itself.
    @param store: the kind of mail store; None leaves it to the gateway.
    @param configuration: the text of a configuration file; None starts without one.
    @param workers: how many processes serve; None: `Gateway.default_workers`.
    """

    default_workers = 1
    """What the option `--workers` of pytest says."""

    def __init__(
        self,
        folder: Path,
        *,
        options: Sequence[str] | None = None,
        store: str | None = None,
        configuration: str | None = None,
        env: Mapping[str, str] | None = None,
        twistd: Sequence[str] = (),
        workers: int | None = None,
    ) -> None:
        self.folder = folder
        self.data = folder / "pop3gw-data"
        self.options = listeners_on_loopback() if options is None else list(options)
        if store is not None:
            self.options += ["--store", store]
        workers = workers if workers is not None else self.default_workers
        self._several = workers > 1 or "workers = " in (configuration or "")
        if workers > 1:
            self.options += ["--workers", str(workers)]
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
        self.twistd = list(twistd)
        self.ports: dict[str, int] = {}
        """Listener kind to TCP port, of those bound to TCP."""
        self.process: subprocess.Popen[bytes] | None = None
        self._log_file = folder / "gateway.log"
        self._log_start = 0
        self._users = 0
        self._common = ["--data", str(self.data)]
        if configuration is not None:
            file = folder / "pop3gw.toml"
            file.write_text(configuration, encoding="utf-8")
            self._common = ["--config", str(file), *self._common]

    def __enter__(self) -> Gateway:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # The process ---------------------------------------------------------------------------

    def start(self, seconds: float = 30) -> None:
        """Start it and wait until it says that it is ready."""
        self.launch()
        deadline = time.monotonic() + seconds
        while not _READY.search(self.log_since_start):
            process = self.process
            if process is None or process.poll() is not None or time.monotonic() > deadline:
                self.kill9()
                pytest.fail(f"the gateway did not become ready:\n{self.log_since_start[-4000:]}")
            time.sleep(0.02)
        for kind, address in _LISTENING.findall(self.log_since_start):
            port = address.rpartition(":")[2]
            if port.isdigit():
                self.ports[kind] = int(port)

    def launch(self) -> subprocess.Popen[bytes]:
        """Start it without waiting for anything."""
        self._log_start = self._log_file.stat().st_size if self._log_file.exists() else 0
        arguments = ["-n", "--pidfile=", *self.twistd, "pop3gw", *self._common, *self.options]
        with self._log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", TWISTD, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=self.environment,
            )
        return self.process

    def workers(self) -> list[int]:
        """The processes that serve where several do."""
        assert self.process is not None
        if not self._several:
            return []
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()] if children.exists() else []

    def serving(self) -> list[int]:
        """The processes that serve clients: the workers, or the one process."""
        assert self.process is not None
        return self.workers() or [self.process.pid]

    def kill9(self) -> None:
        """End it as a crash would."""
        if self.process is not None:
            # All as if at one moment: no worker winds down, and none is replaced.
            self.process.send_signal(signal.SIGSTOP)
            for pid in self.workers():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.kill()
            self.process.wait(timeout=10)
            self.process = None

    def stop(self) -> None:
        """End it as Ctrl-C does, and look at what it leaves: exit status and log."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            try:
                status = self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.kill9()
                pytest.fail(f"the gateway did not stop:\n{self.log[-4000:]}")
            self.process = None
            assert status in (0, -signal.SIGINT), self.log[-4000:]
        self.assert_no_mishap()

    def assert_no_mishap(self) -> None:
        """Nothing in the log tells of a defect."""
        for word in _MISHAPS:
            at = self.log.find(word)
            assert at < 0, f"{word} in the log:\n{self.log[max(0, at - 500) : at + 4000]}"

    # What it says --------------------------------------------------------------------------

    @property
    def log(self) -> str:
        """All that it wrote, over all its starts."""
        if not self._log_file.exists():
            return ""
        return self._log_file.read_text(encoding="utf-8", errors="replace")

    @property
    def log_since_start(self) -> str:
        """What it wrote since it was started last."""
        with self._log_file.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode("utf-8", "replace")

    @property
    def ca(self) -> Path:
        """The certificate of the local CA, which clients are told to trust."""
        return self.data / "ca.pem"

    # The pop3gw command --------------------------------------------------------------------

    def admin(
        self, *arguments: str, input: str = "", status: int | None = 0, timeout: float = 60
    ) -> subprocess.CompletedProcess[bytes]:
        """Run `pop3gw` with this gateway's data folder."""
        return run(
            [sys.executable, "-c", COMMAND, *self._common, *arguments],
            input=input,
            env=self.environment,
            cwd=self.folder,
            status=status,
            timeout=timeout,
        )

    def admin_json(self, *arguments: str) -> Any:
        """Run `pop3gw` and read the JSON that it prints."""
        return json.loads(self.admin(*arguments).stdout)

    def add_accounts(self, count: int, domain: str = "localhost") -> list[Account]:
        """Add a number of users at once, each with a password of its own."""
        made = []
        for _ in range(count):
            self._users += 1
            made.append(Account(f"user{self._users}@{domain}", f"pass word {self._users} of many"))
        file = self.folder / "users.csv"
        file.write_text(
            "".join(f"{one.address},{one.password}\n" for one in made), encoding="utf-8"
        )
        self.admin("user", "add", "--from", str(file))
        return made

    def mailbox(self, account: Account) -> Path:
        """The Maildir of a user."""
        return Path(self.admin_json("user", "show", account.address, "--json")["maildir"])
