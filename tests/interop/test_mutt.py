"""mutt reads the Maildir that the gateway wrote, and the gateway still serves it."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from pathlib import Path

import pytest

from tests.interop.gateway import Account, Gateway
from tests.interop.mail import SAMPLES, assert_identical, mailbox, read_all, send
from tests.programs import require_program


def _mutt(folder: Path, home: Path, keys: str) -> None:
    settings = home / "muttrc"
    settings.write_text(
        "set quit=yes\nset move=no\nset delete=yes\nset wait_key=no\nset pipe_decode=no\n"
        # Not by time: the order of what came within a second is mutt's own affair.
        "set sort=reverse-subject\n"
        f"set mbox_type=Maildir\nset folder={home}\npush '{keys}'\n"
    )
    command: list[str | Path] = [require_program("mutt"), "-n", "-F", settings, "-f", folder]
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "HOME": str(home), "TERM": "vt100"},
    ) as mutt:
        os.close(theirs)
        screen = _read_to_the_end(ours)
        if mutt.poll() is None:
            mutt.terminate()
    os.close(ours)
    assert mutt.returncode == 0, screen


def _read_to_the_end(terminal: int, seconds: float = 30) -> bytes:
    """What a program draws until it closes its terminal."""
    screen = b""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            screen += os.read(terminal, 65536)
        except OSError:  # Linux's way to say that the other side has closed it
            break
    return screen


@pytest.mark.parametrize("gateway", ["maildir"], indirect=True)
def test_reading_and_marking(gateway: Gateway, account: Account, tmp_path: Path) -> None:
    send(gateway, [account.address], SAMPLES["plain"])
    send(gateway, [account.address], SAMPLES["eight-bit"])
    with mailbox(gateway, account) as client:
        before = client.uidl()[1]
    copy = tmp_path / "copy"
    _mutt(
        gateway.mailbox(account),
        tmp_path,
        f"<first-entry><pipe-message>cat > {copy}<enter><next-entry><flag-message><quit>",
    )
    assert copy.read_bytes().endswith(b"Hello.\n")

    received = read_all(gateway, account)
    assert_identical(received[0], SAMPLES["plain"])
    assert_identical(received[1], SAMPLES["eight-bit"])
    with mailbox(gateway, account) as client:
        assert client.uidl()[1] == before
