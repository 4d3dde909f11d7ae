"""A private Dovecot that receives over LMTP into Maildirs, as durably as the gateway."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from bench.ports import free_port, wait_for
from bench.smtp_servers import MAILBOXES, Server

CONFIGURATION = """
protocols = lmtp
base_dir = {folder}/run
log_path = {folder}/dovecot.log
ssl = no
default_internal_user = dovecot
default_login_user = dovenull
first_valid_uid = 1
mail_location = maildir:~/
mail_fsync = always
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/mail/%n allow_all_users=yes
}}
service lmtp {{
  process_min_avail = 2
  process_limit = 200
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
}}
service stats {{
  client_limit = 1000
}}
default_client_limit = 1000
"""


def is_installed() -> bool:
    """Say whether this can run here."""
    return shutil.which("dovecot") is not None and Path("/usr/lib/dovecot/lmtp").exists()


class DovecotLMTP(Server):
    """See above. Its processes are made for connections and stay for the next ones."""

    name = "dovecot"

    def start(self) -> None:
        self.folder.chmod(0o755)
        self.lmtp_port = free_port()
        users = [f"user{number}" for number in range(1, MAILBOXES + 1)]
        self.mailboxes = [f"{user}@bench.example" for user in users]
        self.folders = [self.folder / "mail" / user / "new" for user in users]
        (self.folder / "mail").mkdir()
        shutil.chown(self.folder / "mail", "nobody", "nogroup")
        file = self.folder / "dovecot.conf"
        file.write_text(CONFIGURATION.format(folder=self.folder, port=self.lmtp_port))
        self._process = subprocess.Popen(
            [shutil.which("dovecot") or "dovecot", "-F", "-c", str(file)]
        )
        self.pid = self._process.pid
        wait_for(self.lmtp_port)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)
