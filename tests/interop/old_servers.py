"""The servers that people move from: the real Dovecot and the real Courier, run privately.

Both listen on a free port of 127.0.0.1, with all their files in a folder of the test. As root they
serve mail as "nobody", since Dovecot refuses to serve as root.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.programs import require_program

_COURIER = "usr/lib/courier/courier/courierpop3d"
COURIER = (f"/{_COURIER}", f"/opt/courier-pop/{_COURIER}")
"""Where it lies when it is installed; when its package was unpacked with `dpkg -x`, beside Dovecot,
whose package excludes it."""

_DOVECOT = """\
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/dovecot.log
protocols = pop3
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:{home}/mail/%d/%n
pop3_uidl_format = {format}
pop3_save_uidl = {save}
passdb {{
  driver = passwd-file
  args = {home}/users
}}
userdb {{
  driver = passwd-file
  args = {home}/users
  default_fields = uid={user} gid={group} home={home}/home
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {port}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


class OldMail:
    """The Maildir of a user, as mail was delivered to it over the years."""

    def __init__(self, home: Path, address: str) -> None:
        local_part, _, domain = address.partition("@")
        self.maildir = home / "mail" / domain / local_part
        for name in ("new", "cur", "tmp"):
            (self.maildir / name).mkdir(parents=True, exist_ok=True)
        self.home = home
        self._seconds = 1_600_000_000

    def deliver(self, message: bytes, *, seen: bool = False) -> Path:
        """Put a message there; each arrived a day after the one before."""
        self._seconds += 86_400
        name = f"{self._seconds}.V801I{self._seconds % 9999:x}M{self._seconds % 999983}.mx1"
        path = self.maildir / ("cur" if seen else "new") / (name + (":2,S" if seen else ""))
        path.write_bytes(message)
        os.utime(path, (self._seconds, self._seconds))
        self.hand_over()
        return path

    def hand_over(self) -> None:
        """Let all of it belong to the user that the server serves as."""
        if os.geteuid() == 0:
            for path in (self.home / "mail", *(self.home / "mail").rglob("*")):
                shutil.chown(path, *serving_as())


def serving_as() -> tuple[str, str]:
    """User and group that the old servers run as."""
    if os.geteuid() == 0:
        return "nobody", "nogroup"
    user = pwd.getpwuid(os.geteuid())
    return user.pw_name, grp.getgrgid(user.pw_gid).gr_name


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Dovecot:
    """A Dovecot of its own. A context manager.

    @param home: a folder that everybody may look into.
    """

    def __init__(self, home: Path, *, format: str = "%08Xu%08Xv", save: bool = False) -> None:
        self.home = home
        self.port = free_port()
        self._program = require_program("dovecot")
        if not Path("/usr/lib/dovecot/pop3").exists():
            require_program("dovecot-pop3d")
        self.users = home / "users"
        self._configuration = home / "dovecot.conf"
        user, group = serving_as()
        self._configuration.write_text(
            _DOVECOT.format(
                home=home,
                user=user,
                group=group,
                format=format,
                save="yes" if save else "no",
                port=self.port,
            )
        )

    def __enter__(self) -> Dovecot:
        self._process = subprocess.Popen(
            [self._program, "-F", "-c", str(self._configuration)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(self.port)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=10)


def wait_for(port: int) -> None:
    """Wait until something listens."""
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 5).close()
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"nothing listens on port {port}")


def courier_program() -> str:
    """Return the path of Courier's POP3 server, or skip the test."""
    for path in COURIER:
        if Path(path).exists():
            return path
    return require_program("courierpop3d")


class Courier:
    """Courier's POP3 server behind a login of ours. A context manager.

    In Courier a program of its own asks for the password and then becomes `courierpop3d`, the
    server; here a thread plays that program.

    @param maildir: which everybody gets who knows the password.
    """

    def __init__(self, maildir: Path, password: str) -> None:
        self._maildir = maildir
        self._password = password
        self._program = courier_program()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Courier:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                user = self._log_in(connection)
                if user is not None:
                    self._become_courier(connection, user)

    def _log_in(self, connection: socket.socket) -> str | None:
        """Read octet by octet, so that nothing meant for the server is taken from it."""
        connection.settimeout(20)
        connection.sendall(b"+OK Hello there.\r\n")
        user = ""
        while True:
            line = b""
            while not line.endswith(b"\n"):
                octet = connection.recv(1)
                if not octet:
                    return None
                line += octet
            verb, _, argument = line.decode().strip().partition(" ")
            if verb.upper() == "USER":
                user = argument
                connection.sendall(b"+OK Password required.\r\n")
            elif verb.upper() == "PASS" and argument == self._password:
                return user
            else:
                connection.sendall(b"-ERR Invalid command.\r\n")

    def _become_courier(self, connection: socket.socket, user: str) -> None:
        connection.settimeout(None)
        subprocess.run(
            [self._program, str(self._maildir)],
            stdin=connection.fileno(),
            stdout=connection.fileno(),
            stderr=subprocess.DEVNULL,
            env={**os.environ, "AUTHENTICATED": user, "AUTHADDR": user, "TCPREMOTEIP": "127.0.0.1"},
            timeout=60,
            check=False,
        )
