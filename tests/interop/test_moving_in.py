"""Moving in from the real Dovecot and the real Courier: no mail program fetches anything again."""

from __future__ import annotations

import poplib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.accounts.database import AccountDatabase
from gateway.imports.maildir_folder import list_files
from tests.interop.gateway import Account, Gateway
from tests.interop.mail import FileDrop, read_all, send
from tests.interop.old_servers import Courier, Dovecot, OldMail
from tests.programs import require_program, run

ANNA = Account("anna@example.org", "geheim und lang")
NO_MAIL = 1
MESSAGES = [
    b"Subject: first\n\nplain\n",
    b"Subject: CRLF\r\n\r\nlines\r\n.\r\nwith a dot\r\n",
    b"Subject: no last line end\n\nend",
    "Subject: Größe\n\nacht Bit\n".encode(),
    b"Subject: long\n\n" + b"x" * 5000 + b"\n",
]


class Program:
    """fetchmail or mpop, which keeps mail on the server and remembers what it has fetched."""

    def __init__(self, name: str, home: Path) -> None:
        self.name = require_program(name)
        self.home = home / name
        self.home.mkdir()
        self.drop = FileDrop(self.home)
        self.settings = self.home / "settings"

    def fetch(self, port: int) -> int:
        """Poll the server on a port; return how many messages were fetched."""
        if self.name.endswith("fetchmail"):
            self._fetchmail(port)
        else:
            self._mpop(port)
        return len(self.drop.take())

    def _write(self, text: str) -> None:
        self.settings.write_text(text)
        self.settings.chmod(0o600)

    def _fetchmail(self, port: int) -> None:
        self._write(
            f"poll localhost protocol POP3 uidl service {port}\n"
            f"username '{ANNA.address}' password '{ANNA.password}'\n"
            f"sslproto '' keep norewrite mda '{self.drop.program}'\n"
        )
        files = ["--idfile", self.home / "ids", "--pidfile", self.home / "pid"]
        done = run(
            [self.name, "--nosyslog", "-f", self.settings, *files],
            env={"HOME": str(self.home), "FETCHMAILHOME": str(self.home)},
            status=None,
        )
        assert done.returncode in (0, NO_MAIL), done

    def _mpop(self, port: int) -> None:
        self._write(
            f"account default\nhost localhost\nport {port}\nuser {ANNA.address}\n"
            f'password "{ANNA.password}"\nkeep on\ntls off\nauth user\nreceived_header off\n'
            f'delivery mda "{self.drop.program}"\nuidls_file {self.home}/uidls\n'
        )
        run([self.name, "-q", "-C", self.settings])


@pytest.fixture
def programs(tmp_path: Path) -> list[Program]:
    return [Program("fetchmail", tmp_path), Program("mpop", tmp_path)]


@pytest.fixture
def old() -> Iterator[OldMail]:
    """A mailbox on the old server, some of it read there.

    Not in a folder of pytest's, which nobody but its owner may look into.
    """
    with tempfile.TemporaryDirectory(prefix="pop3gw-old-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        mail = OldMail(home, ANNA.address)
        for number, message in enumerate(MESSAGES):
            mail.deliver(message, seen=number < 2)
        yield mail


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    folder = tmp_path / "new"
    folder.mkdir()
    with Gateway(folder) as gateway:
        gateway.admin("domain", "add", "example.org")
        yield gateway


def hashed(password: str) -> str:
    """What `doveadm pw` makes of a password."""
    made = run([require_program("doveadm"), "pw", "-s", "SHA512-CRYPT", "-p", password])
    return made.stdout.decode().strip()


def stored_hash(gateway: Gateway) -> str:
    accounts = AccountDatabase(gateway.data / "accounts.sqlite")
    try:
        user = accounts.user(ANNA.address)
        assert user is not None
        return user.password_hash
    finally:
        accounts.close()


def await_upgrade(gateway: Gateway) -> None:
    """After a login the hash is made anew, in its own time."""
    deadline = time.monotonic() + 20
    while not stored_hash(gateway).startswith("$argon2id$"):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def uidls(port: int) -> list[str]:
    """The unique-ids that a server on a port shows, in order."""
    client = poplib.POP3("127.0.0.1", port, timeout=30)
    try:
        client.user(ANNA.address)
        client.pass_(ANNA.password)
        return [line.split()[1].decode() for line in client.uidl()[1]]
    finally:
        client.quit()


def canonical(message: bytes) -> bytes:
    lines = message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return lines if lines.endswith(b"\n") else lines + b"\r\n"


def assert_nothing_is_fetched_again(gateway: Gateway, programs: list[Program]) -> None:
    port = gateway.ports["pop3"]
    assert [program.fetch(port) for program in programs] == [0, 0]
    send(gateway, [ANNA.address], b"Subject: after the move\r\n\r\nhello\r\n")
    assert [program.fetch(port) for program in programs] == [1, 1]
    assert read_all(gateway, ANNA)[:-1] == [canonical(message) for message in MESSAGES]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format", "save"),
    [
        *((format, False) for format in ("%08Xu%08Xv", "%f", "%g", "%v-%u", "%Xv%Xu", "%04u.%5v")),
        *((format, True) for format in ("%v-%u", "%f")),
    ],
)
def test_dovecot(
    old: OldMail, gateway: Gateway, programs: list[Program], format: str, save: bool
) -> None:
    with Dovecot(old.home, format=format, save=save) as dovecot:
        dovecot.users.write_text(f"{ANNA.address}:{hashed(ANNA.password)}::::::\n")
        assert [program.fetch(dovecot.port) for program in programs] == [len(MESSAGES)] * 2
        before = uidls(dovecot.port)
    # What is saved counts, whatever the format is by now.
    told = [] if save else ["--uidl-format", format]
    template = str(old.home / "mail/%d/%n")
    words = ["import", "dovecot", template, "--users", str(dovecot.users), *told]
    dry = gateway.admin(*words, "--dry-run").stdout.decode()
    assert "5  with the unique-id that mail programs know" in dry
    assert gateway.admin("user", "list", "example.org").stdout == b""
    gateway.admin(*words)
    assert stored_hash(gateway).startswith("{SHA512-CRYPT}$6$")
    assert uidls(gateway.ports["pop3"]) == before
    await_upgrade(gateway)
    assert_nothing_is_fetched_again(gateway, programs)
    again = gateway.admin(*words).stdout.decode()
    assert "5  here already" in again
    assert len(read_all(gateway, ANNA)) == len(MESSAGES) + 1


@pytest.mark.slow
def test_dovecot_over_pop3(old: OldMail, gateway: Gateway, programs: list[Program]) -> None:
    gateway.admin("user", "add", ANNA.address, "--password-stdin", input=ANNA.password)
    with Dovecot(old.home) as dovecot:
        dovecot.users.write_text(f"{ANNA.address}:{hashed(ANNA.password)}::::::\n")
        assert [program.fetch(dovecot.port) for program in programs] == [len(MESSAGES)] * 2
        server = f"127.0.0.1:{dovecot.port}"
        words = ["import", "pop3", server, ANNA.address, "--tls", "none", "--password-stdin"]
        gateway.admin(*words, input=f"{ANNA.password}\n")
        before = uidls(dovecot.port)
    assert uidls(gateway.ports["pop3"]) == before
    assert_nothing_is_fetched_again(gateway, programs)


@pytest.mark.slow
def test_courier(old: OldMail, gateway: Gateway, programs: list[Program]) -> None:
    with Courier(old.maildir, ANNA.password) as courier:
        assert [program.fetch(courier.port) for program in programs] == [len(MESSAGES)] * 2
        before = uidls(courier.port)
    late = old.deliver(b"Subject: late\n\nnobody has seen it\n")
    users = old.home / "users"
    users.write_text(f"{ANNA.address}:{hashed(ANNA.password)}::::{old.maildir}\n")
    words = ["import", "courier", "%h", ANNA.address, "--users", str(users)]
    dry = gateway.admin(*words, "--dry-run").stdout.decode()
    assert "5  with the unique-id that mail programs know" in dry
    assert "1  new to mail programs: the old server has shown it to no client yet" in dry
    gateway.admin(*words)
    now = uidls(gateway.ports["pop3"])
    assert now[:-1] == before
    assert [program.fetch(gateway.ports["pop3"]) for program in programs] == [1, 1]
    assert read_all(gateway, ANNA)[-1] == canonical(late.read_bytes())
    assert [file.name for file in list_files(old.maildir)] != []
