"""A private OpenSMTPD, which queues on stable storage and delivers into Maildirs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from bench.ports import free_port, wait_for
from bench.processes import can_have_own_mounts, start_with_own_mounts
from bench.smtp_servers import MAILBOXES, Server, make_certificate

_ROOTS = (Path("/"), Path("/opt/opensmtpd"))
"""Where the package lies when installed; when it was unpacked beside Postfix, which excludes it."""

# What OpenSMTPD was built to use lies in fixed places: here, in a view of its own of those.
_START = """\
set -e
mount --bind {folder}/passwd /etc/passwd
mount --bind {folder}/group /etc/group
mount --bind {folder}/resolv.conf /etc/resolv.conf
mount --bind {root}/usr/libexec /usr/libexec
mount --bind {folder}/spool /var/spool
mount --bind {folder}/lib /var/lib
mount --bind {folder}/run /run
exec {root}/usr/sbin/smtpd -d -f {folder}/smtpd.conf
"""

# More messages in one session, and more deliveries to one system user at a time, than usual: all
# mailboxes here belong to one.
_CONFIGURATION = """\
pki bench.example cert "{certificate}"
pki bench.example key "{certificate}"
table users file:{folder}/users
smtp max-message-size "60M"
smtp limit max-mails 100000
smtp limit max-rcpt 100000
mda limit max-session 100
mda limit max-session-per-user 100
mda limit task-hiwat 10000
mda limit task-lowat 5000
listen on 127.0.0.1 port {port} tls pki bench.example hostname bench.example
action "deliver" maildir "{folder}/mail/%{{rcpt.user}}" virtual <users> user bench
match from any for domain "bench.example" action "deliver"
"""
_FIRST_ID = 64_001
_OWNER = "bench"
_SYSTEM_USERS = ("opensmtpd", "opensmtpq", _OWNER)


def is_installed() -> bool:
    """Say whether this can run here."""
    return _root() is not None and can_have_own_mounts()


def version() -> str:
    """Return the version that is installed."""
    command = [f"{_root()}/usr/sbin/smtpd", "-h"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    return (done.stdout + done.stderr).partition("OpenSMTPD ")[2].partition("\n")[0]


def _root() -> Path | None:
    # Postfix has an smtpd, too, elsewhere.
    return next(
        (root for root in _ROOTS if (root / "usr/libexec/opensmtpd/mail.maildir").exists()), None
    )


class OpenSMTPD(Server):
    """See above. Whoever is mailed to is known by a table; all mailboxes belong to one user."""

    name = "opensmtpd"
    pipelines = False
    tls = False  # no handshake succeeds with version 6.8 and OpenSSL 3, as Debian 12 has them
    most_half = 500

    def start(self) -> None:
        folder = self.folder
        folder.chmod(0o755)
        self.port = free_port()
        users = [f"user{number}" for number in range(1, MAILBOXES + 1)]
        self.mailboxes = [f"{user}@bench.example" for user in users]
        self.folders = [folder / "mail" / user / "new" for user in users]
        for name in ("mail", "spool", "lib/opensmtpd/empty", "run"):
            (folder / name).mkdir(parents=True)
        os.chown(folder / "mail", _FIRST_ID + 2, _FIRST_ID + 2)
        # It asks for the name of each client; the answer lies in /etc/hosts.
        (folder / "resolv.conf").write_text("lookup file\n")
        (folder / "users").write_text("".join(f"{one} {_OWNER}\n" for one in self.mailboxes))
        self._add_system_users()
        certificate = make_certificate(folder)
        certificate.chmod(0o600)
        file = folder / "smtpd.conf"
        file.write_text(
            _CONFIGURATION.format(folder=folder, port=self.port, certificate=certificate)
        )
        file.chmod(0o600)
        script = _START.format(folder=folder, root=str(_root()).rstrip("/"))
        with (folder / "opensmtpd.log").open("wb") as log:
            self._process = start_with_own_mounts(script, log)
        self.pid = self._process.pid
        wait_for(self.port)

    def _add_system_users(self) -> None:
        """Make the users that the package would make, for this process only."""
        users, groups = Path("/etc/passwd").read_text(), Path("/etc/group").read_text()
        for number, name in enumerate(_SYSTEM_USERS, _FIRST_ID):
            users += f"{name}:x:{number}:{number}::{self.folder}/lib:/bin/false\n"
            groups += f"{name}:x:{number}:\n"
        (self.folder / "passwd").write_text(users)
        (self.folder / "group").write_text(groups)

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.kill(self.pid, 9)
            self._process.wait(timeout=20)
