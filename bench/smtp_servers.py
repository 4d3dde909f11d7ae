"""The servers that receive: the gateway, the bare floor, and the peers that are installed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from abc import ABC, abstractmethod
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.ports import free_port, wait_for
from bench.smtp_storing import MAILBOXES
from tests.interop.gateway import Gateway

HERE = Path(__file__).parent


class Server(ABC):
    """A running server with mailboxes; each is a Maildir, unless `stored` says otherwise."""

    name: str
    pid: int
    """The process above all others of the server."""
    port: int = 0
    """Where it takes SMTP, 0: nowhere."""
    lmtp_port: int = 0
    """Where it takes LMTP, 0: nowhere."""
    pipelines = True
    """Whether it takes commands that do not wait for the answers to those before."""
    tls = True
    most_half = 2000
    """How many messages that are half sent it can be asked to hold."""
    mailboxes: list[str]
    folders: list[Path]

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def stored(self) -> int:
        """How many messages lie in all mailboxes."""
        return sum(len(os.listdir(new)) for new in self.folders if new.exists())  # noqa: PTH208

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def stop(self) -> None: ...


class OurGateway(Server):
    """`twistd pop3gw` with a Maildir store."""

    name = "pop3gw"
    store = "maildir"

    def start(self) -> None:
        configuration = '[auth]\nplaintext = "loopback"\n[limits]\nconnections = 5000\n'
        self._gateway = Gateway(self.folder, configuration=configuration, store=self.store)
        self._gateway.start()
        self.mailboxes = [one.address for one in self._gateway.add_accounts(MAILBOXES)]
        root = self._gateway.data / "mail" / "localhost"
        self.folders = [root / address.partition("@")[0] / "new" for address in self.mailboxes]
        self.port = self._gateway.ports["smtp"]
        self.lmtp_port = self._gateway.ports["lmtp"]
        assert self._gateway.process is not None
        self.pid = self._gateway.process.pid

    def stop(self) -> None:
        self._gateway.stop()


class OurGatewaySQLite(OurGateway):
    """`twistd pop3gw` with a SQLite store."""

    name = "pop3gw-sqlite"
    store = "sqlite"

    def stored(self) -> int:
        file = self._gateway.data / "sqlite" / "mail.sqlite"
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            query = "SELECT coalesce(sum(messages), 0) FROM mailboxes"
            return int(connection.execute(query).fetchone()[0])


class Program(Server):
    """A program of ours, called with its folder, its port, and a certificate."""

    program: str

    def start(self) -> None:
        root, certificate = self.folder / "mail", make_certificate(self.folder)
        self.port = free_port()
        command = [sys.executable, HERE / self.program, root, str(self.port), certificate]
        self._process = subprocess.Popen(command)
        self.pid = self._process.pid
        wait_for(self.port)
        self.mailboxes = [f"user{number}@bench.example" for number in range(1, MAILBOXES + 1)]
        self.folders = [root / f"user{number}" / "new" for number in range(1, MAILBOXES + 1)]

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)


class Bare(Program):
    """The floor."""

    name = "bare"
    program = "bare_smtp.py"


class Aiosmtpd(Program):
    """aiosmtpd, which takes part where it is installed."""

    name = "aiosmtpd"
    program = "smtp_aiosmtpd.py"


class Postfix(Server):
    """A private Postfix on a port of loopback, which delivers into Maildirs by `virtual`."""

    name = "postfix"
    most_half = 150  # a process for each

    def start(self) -> None:
        self.folder.chmod(0o755)
        self.port, configuration = free_port(), self.folder / "conf"
        users = [f"user{number}" for number in range(1, MAILBOXES + 1)]
        self.mailboxes = [f"{user}@bench.example" for user in users]
        self.folders = [self.folder / "mail" / user / "new" for user in users]
        for name in ("conf", "mail", "queue", "data"):
            (self.folder / name).mkdir()
        shutil.chown(self.folder / "mail", "nobody", "nogroup")
        shutil.chown(self.folder / "data", "postfix", "postfix")
        maps = "".join(f"{user}@bench.example {user}/\n" for user in users)
        (configuration / "users").write_text(maps)
        certificate = make_certificate(self.folder)
        main = POSTFIX_MAIN.format(folder=self.folder, certificate=certificate)
        (configuration / "main.cf").write_text(main)
        (configuration / "master.cf").write_text(POSTFIX_MASTER.format(port=self.port))
        self._run("start")
        wait_for(self.port)
        self.pid = int((self.folder / "queue" / "pid" / "master.pid").read_text())

    def _run(self, what: str) -> None:
        log = (self.folder / "start.log").open("ab")
        command = [shutil.which("postfix") or "postfix", "-c", self.folder / "conf", what]
        with log:
            subprocess.run(command, stdout=log, stderr=log, check=True, timeout=60)

    def stop(self) -> None:
        self._run("stop")


POSTFIX_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
myhostname = bench.example
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
virtual_mailbox_domains = bench.example
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/conf/users
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_minimum_uid = 1
virtual_mailbox_limit = 0
message_size_limit = 60000000
default_process_limit = 150
virtual_destination_concurrency_limit = 100
virtual_destination_recipient_limit = 1
default_destination_concurrency_limit = 100
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
smtpd_tls_security_level = may
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {certificate}
in_flow_delay = 0
"""

POSTFIX_MASTER = """
127.0.0.1:{port} inet n - n - 200 smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - 100 virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def servers() -> dict[str, type[Server]]:
    """Those that can run here, by name."""
    from bench import dovecot_lmtp, smtp_opensmtpd

    found: list[type[Server]] = [OurGateway, OurGatewaySQLite, Bare]
    if find_spec("aiosmtpd"):
        found.append(Aiosmtpd)
    if os.geteuid() == 0:
        if shutil.which("postfix"):
            found.append(Postfix)
        if smtp_opensmtpd.is_installed():
            found.append(smtp_opensmtpd.OpenSMTPD)
        if dovecot_lmtp.is_installed():
            found.append(dovecot_lmtp.DovecotLMTP)
    return {server.name: server for server in found}


def make_certificate(folder: Path) -> Path:
    """Make a certificate and its key, in one file."""
    file, alone = folder / "certificate.pem", folder / "only.pem"
    request = ("-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=bench.example")
    command = ["openssl", "req", *request, "-keyout", str(file), "-out", str(alone)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    file.write_bytes(file.read_bytes() + alone.read_bytes())
    return file
