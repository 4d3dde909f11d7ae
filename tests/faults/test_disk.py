"""Disks that are full, read-only or broken: 4xx, nothing stored in part, no restart needed."""

from __future__ import annotations

import os
import resource
import shutil
import smtplib
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.interop.gateway import Gateway
from tests.interop.mail import data, read_all
from tests.programs import require_program, run

pytestmark = pytest.mark.slow

SMALL = b"Subject: small\r\n\r\n" + b"x\r\n" * 1000
LARGE = b"Subject: large\r\n\r\n" + (b"x" * 70 + b"\r\n") * 14_000
"""Beyond what is kept in memory, so that it is spooled while it arrives."""
FULL = "452 4.3.1"
BROKEN = "451 4.3.0"
SECONDS = 20.0


@contextmanager
def mounted(place: Path, *options: str) -> Iterator[None]:
    """Mount something at `place`."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount file systems")
    run(["mount", *options, place])
    try:
        yield
    finally:
        run(["umount", "--lazy", place])


class Office:
    """A gateway, its users anna and bert, and a client that has greeted it."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.users = gateway.add_accounts(2)
        self.expected: list[bytes] = []
        """What is in each mailbox."""
        self.connect()
        self.accept(SMALL)

    def connect(self) -> None:
        """Greet the gateway."""
        self.client = smtplib.SMTP("127.0.0.1", self.gateway.ports["smtp"], timeout=30)
        self.client.ehlo("client.example.org")

    def send(self, message: bytes) -> str:
        """Send to both users; return code and enhanced code of the last reply."""
        self.client.mail("sender@example.org")
        for user in self.users:
            code, text = self.client.rcpt(user.address)
            assert code == 250, text
        code, text = data(self.client, message)
        return f"{code} {text.split()[0].decode()}"

    def accept(self, message: bytes) -> None:
        assert self.send(message) == "250 2.0.0"
        self.expected.append(message)

    def refuse(self, reply: str) -> None:
        """Both kinds of message are refused with this."""
        for message in (SMALL, LARGE):
            assert self.send(message) == reply

    def recovers(self) -> None:
        """What is stored is there, whole, and more is accepted on the same connection."""
        self.accept(SMALL)
        self.accept(LARGE)
        for user in self.users:
            assert [body(message) for message in read_all(self.gateway, user)] == [
                body(message) for message in self.expected
            ]
        assert self.unfinished() == []
        self.client.quit()

    def unfinished(self) -> list[Path]:
        """Files that no message needs."""
        mailboxes = [self.gateway.mailbox(user) for user in self.users]
        tmp = [path for mailbox in mailboxes for path in (mailbox / "tmp").iterdir()]
        spool = [path for path in (self.gateway.data / "spool").rglob("*") if path.is_file()]
        return tmp + [path for path in spool if path.name not in (".lock", ".alive")]


def body(message: bytes) -> bytes:
    return message.partition(b"\r\n\r\n")[2]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with Gateway(tmp_path, store="maildir") as gateway:
        yield Office(gateway)


def filled(folder: Path) -> Path:
    """Leave no room on a disk; return the file that takes it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            pass  # it is full
    return filler


def test_a_full_disk(tmp_path: Path) -> None:
    with (
        mounted(tmp_path, "-t", "tmpfs", "-o", "size=24m", "tmpfs"),
        Gateway(tmp_path, store="maildir") as gateway,
    ):
        office = Office(gateway)
        filler = filled(tmp_path)
        office.refuse(FULL)
        filler.unlink()
        office.recovers()


def test_no_descriptors_left(office: Office) -> None:
    before = {}
    for pid in office.gateway.serving():
        before[pid] = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        used = {int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir()}
        lowest = next(number for number in range(100_000) if number not in used)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (lowest, before[pid][1]))
    office.refuse(FULL)
    for pid, limits in before.items():
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    office.recovers()


def test_a_read_only_file_system(office: Office) -> None:
    domain = office.gateway.data / "mail" / "localhost"
    with mounted(domain, "--bind", str(domain)):
        run(["mount", "-o", "remount,bind,ro", domain])
        office.refuse(BROKEN)
        run(["mount", "-o", "remount,bind,rw", domain])
        office.accept(SMALL)
    office.recovers()


@pytest.mark.parametrize("call", ["fsync", "linkat"])
@pytest.mark.parametrize(("error", "reply"), [("EIO", BROKEN), ("ENOSPC", FULL), ("EDQUOT", FULL)])
def test_an_error_of_the_disk(office: Office, call: str, error: str, reply: str) -> None:
    with failing(office.gateway, f"inject={call}:error={error}"):
        office.refuse(reply)
    office.recovers()


def test_an_error_only_when_the_names_are_made_durable(office: Office) -> None:
    # The second and third fsync of a delivery to two mailboxes are those of their folders.
    with failing(office.gateway, "inject=fsync:error=EIO:when=2+"):
        office.refuse(BROKEN)
    office.recovers()


@contextmanager
def failing(gateway: Gateway, inject: str) -> Iterator[None]:
    """Let system calls of the gateway fail."""
    pids = gateway.serving()
    command = [require_program("strace"), "-f", "-o", "/dev/null", "-e", inject]
    command += [f"--attach={pid}" for pid in pids]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE)
    assert tracer.stderr is not None
    try:
        for _ in pids:
            assert b"attached" in tracer.stderr.readline()
        yield
    finally:
        tracer.terminate()
        tracer.wait(timeout=SECONDS)
        tracer.stderr.close()


def test_the_mailbox_folder_is_missing(office: Office) -> None:
    shutil.rmtree(office.gateway.mailbox(office.users[0]))
    office.accept(SMALL)
    assert len(read_all(office.gateway, office.users[0])) == 1
    assert len(read_all(office.gateway, office.users[1])) == 2


def test_something_else_is_in_the_place_of_the_mailbox(office: Office) -> None:
    folder = office.gateway.mailbox(office.users[1])
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.write_bytes(b"a file")
    office.refuse(BROKEN)
    folder.unlink()
    aside.rename(folder)
    office.recovers()


def test_the_spool_is_missing(office: Office) -> None:
    shutil.rmtree(office.gateway.data / "spool")
    office.accept(SMALL)
    office.recovers()


def test_the_trace_cannot_be_written(office: Office) -> None:
    with failing(office.gateway, "inject=fdatasync:error=EIO"):
        for _ in range(3):
            office.accept(SMALL)
            time.sleep(0.6)
    office.recovers()
