"""Courier: its own listener, its own daemon for passwords, a process for each session."""

from __future__ import annotations

import base64
import hashlib
import os
import pwd
import shutil
import subprocess
from pathlib import Path

from bench.pop3.mailboxes import OWNER
from bench.pop3.servers import DOMAIN, PASSWORD, Server, end
from bench.ports import free_port, wait_for
from bench.processes import can_have_own_mounts, start_with_own_mounts, tree

_PROGRAMS = Path("usr/lib/courier/courier")
_ROOTS = (Path("/"), Path("/opt/courier-pop"))
"""Where the package lies when installed; when it was unpacked beside Dovecot, which excludes it."""

# What Courier was built to read lies in /etc and /run: here, in a view of its own of those.
_START = """\
set -e
mount --bind {home}/etc /etc/courier
mount --bind {home}/run /run
makeuserdb
/usr/lib/courier/courier-authlib/authdaemond &
exec /usr/sbin/couriertcpd -address=127.0.0.1 -maxprocs=600 -maxperip=600 \
  -nodnslookup -noidentlookup {port} {programs}/courierpop3login {programs}/courierpop3d .
"""


class Courier(Server):
    """With as many processes as are asked for; it lets no more than four in from one address."""

    name = "courier"
    title = "Courier"
    tls = False  # done by one more process for each session
    waits_for_acks = True

    @classmethod
    def version(cls) -> str | None:
        if not (shutil.which("couriertcpd") and _programs() and can_have_own_mounts()):
            return None
        query = ["dpkg-query", "--show", "--showformat=${Version}", "courier-base"]
        try:
            text = subprocess.run(query, capture_output=True, timeout=20, check=True).stdout
        except (OSError, subprocess.CalledProcessError):
            return "installed"
        return text.decode().partition("-")[0]

    def start(self) -> None:
        home, self.port = self.place.folder, free_port()
        for name in ("etc", "run/courier/authdaemon", "mail"):
            (home / name).mkdir(parents=True)
        (home / "etc").chmod(0o700)
        shutil.chown(home / "run" / "courier", "courier")
        (home / "etc" / "authdaemonrc").write_text(
            'authmodulelist="authuserdb"\ndaemons=5\n'
            "authdaemonvar=/run/courier/authdaemon\nDEBUG_LOGIN=0\n"
        )
        self._write_users(home / "etc" / "userdb")
        script = _START.format(home=home, port=self.port, programs=_programs())
        with (home / "courier.log").open("wb") as log:
            self._process = start_with_own_mounts(
                script,
                log,
                start_new_session=True,  # it ends its whole group when it ends
                env={"PATH": os.environ["PATH"], "AUTHMODULES": "authdaemon", "POP3AUTH": ""},
            )
        self.pid = self._process.pid
        wait_for(self.port)

    def _write_users(self, file: Path) -> None:
        # A digest that costs nothing: the row measures no hash.
        digest = base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()
        user = pwd.getpwnam(OWNER[0]).pw_uid
        with file.open("w") as lines:
            for name in self.place.users:
                home = self.mail / name
                lines.write(
                    f"{name}@{DOMAIN}\tuid={user}|gid={user}|home={home}|mail={home}"
                    f"|pop3pw={{SHA}}{digest}\n"
                )
        file.chmod(0o600)

    def stop(self) -> None:
        below = tree(self.pid)[1:]
        end(self._process)
        for pid in below:
            try:
                os.kill(pid, 15)
            except ProcessLookupError:
                continue


def _programs() -> Path | None:
    places = (root / _PROGRAMS for root in _ROOTS)
    return next((place for place in places if (place / "courierpop3d").exists()), None)
