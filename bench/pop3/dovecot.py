"""Dovecot, as it is out of the box and in its high-performance login mode."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from bench.pop3.mailboxes import OWNER, give_away
from bench.pop3.servers import DOMAIN, PASSWORD, Server, end
from bench.ports import free_port, wait_for

_CONFIGURATION = """\
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/dovecot.log
protocols = pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = no
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:{home}/mail/%n
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
    port = {tls_port}
    ssl = yes
  }}
{login}}}
service pop3 {{
{pop3}}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


class Dovecot(Server):
    """The settings that the distribution installs, which are Dovecot's own defaults."""

    name = "dovecot"
    title = "Dovecot"
    login = ""
    pop3 = ""

    @classmethod
    def version(cls) -> str | None:
        program = shutil.which("dovecot")
        if program is None or not Path("/usr/lib/dovecot/pop3").exists():
            return None
        text = subprocess.run([program, "--version"], capture_output=True, timeout=20).stdout
        return text.decode().split()[0]

    def start(self) -> None:
        home = self.place.folder
        self.mail.mkdir(parents=True)
        give_away(self.mail)
        names = (f"{user}@{DOMAIN}:{{PLAIN}}{PASSWORD}::::::\n" for user in self.place.users)
        (home / "users").write_text("".join(names))
        give_away(home / "users")
        self.port, self.tls_port = free_port(), free_port()
        user, group = OWNER if os.geteuid() == 0 else (os.environ["USER"], os.environ["USER"])
        text = _CONFIGURATION.format(
            home=home,
            user=user,
            group=group,
            certificate=self.place.certificate,
            key=self.place.key,
            port=self.port,
            tls_port=self.tls_port,
            login=self.login,
            pop3=self.pop3,
        )
        (home / "dovecot.conf").write_text(text)
        self._process = subprocess.Popen(
            [shutil.which("dovecot") or "dovecot", "-F", "-c", home / "dovecot.conf"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.pid = self._process.pid
        wait_for(self.port)

    def stop(self) -> None:
        end(self._process)


class FastDovecot(Dovecot):
    """High-performance mode of its manual: processes serve one session after another."""

    name = "dovecot-hp"
    title = "Dovecot, high-performance"
    login = "  service_count = 0\n  process_min_avail = 2\n"
    pop3 = "  service_count = 0\n  process_min_avail = 2\n"
