"""The embedded store on disks that are full, read-only or broken: 4xx, the reason, no restart."""

from __future__ import annotations

import poplib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.test_disk import BROKEN, FULL, LARGE, SMALL, Office, failing, filled, mounted
from tests.interop.gateway import Gateway
from tests.interop.mail import mailbox
from tests.programs import run

pytestmark = pytest.mark.slow


class DatabaseOffice(Office):
    """See `Office`."""

    def unfinished(self) -> list[Path]:
        """See `Office.unfinished`."""
        files = (self.gateway.data / "sqlite" / "arriving").rglob("*")
        return [path for path in files if path.is_file() and path.name not in (".lock", ".alive")]

    def recovers(self) -> None:
        """See `Office.recovers`; and the store finds nothing wrong with itself."""
        super().recovers()
        self.gateway.admin("store", "check")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[DatabaseOffice]:
    with Gateway(tmp_path, store="sqlite") as gateway:
        yield DatabaseOffice(gateway)


def test_a_full_disk(tmp_path: Path) -> None:
    with (
        mounted(tmp_path, "-t", "tmpfs", "-o", "size=48m", "tmpfs"),
        Gateway(tmp_path, store="sqlite") as gateway,
    ):
        office = DatabaseOffice(gateway)
        filler = filled(tmp_path)
        # The log of the database has some room that it had before.
        while (reply := office.send(SMALL)) != FULL:
            assert reply == "250 2.0.0"
            office.expected.append(SMALL)
        office.refuse(FULL)
        filler.unlink()
        assert "make room on its disk" in gateway.log
        office.recovers()


@pytest.mark.parametrize(
    ("call", "error", "small", "large"),
    [
        ("pwrite64", "EIO", BROKEN, BROKEN),
        ("pwrite64", "ENOSPC", FULL, FULL),
        ("pwrite64", "EROFS", BROKEN, BROKEN),
        ("fdatasync", "EIO", BROKEN, BROKEN),
        ("fsync", "EIO", "250 2.0.0", BROKEN),
        ("fsync", "ENOSPC", "250 2.0.0", FULL),
        ("linkat,link", "EDQUOT", "250 2.0.0", FULL),
    ],
)
def test_an_error_of_the_disk(
    office: DatabaseOffice, call: str, error: str, small: str, large: str
) -> None:
    with failing(office.gateway, f"inject={call}:error={error}"):
        for message, reply in ((SMALL, small), (LARGE, large)):
            assert office.send(message) == reply
            if reply.startswith("250"):
                office.expected.append(message)
    assert "cannot " in office.gateway.log
    office.recovers()


def test_a_file_system_that_is_read_only_at_the_start(tmp_path: Path) -> None:
    with Gateway(tmp_path, store="sqlite") as gateway:
        office = DatabaseOffice(gateway)
        gateway.stop()
        folder = gateway.data / "sqlite"
        with mounted(folder, "--bind", str(folder)):
            run(["mount", "-o", "remount,bind,ro", folder])
            gateway.start()
            office.connect()
            office.refuse(BROKEN)
            assert str(folder) in gateway.log_since_start
            run(["mount", "-o", "remount,bind,rw", folder])
            office.accept(SMALL)
        gateway.stop()
        gateway.start()
        office.connect()
        office.recovers()


def test_polls_while_the_disk_is_broken_see_no_empty_mailbox(office: DatabaseOffice) -> None:
    with (
        failing(office.gateway, "inject=pread64:error=EIO"),
        pytest.raises(poplib.error_proto, match=r"-ERR \[SYS/TEMP\]"),
        mailbox(office.gateway, office.users[0]),
    ):
        pass
    office.recovers()
