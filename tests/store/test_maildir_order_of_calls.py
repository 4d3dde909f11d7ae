"""The order of system calls: nothing is acknowledged, or visible, before it is safe."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.programs import require_program

CHECKOUT = Path(__file__).parents[2]
CALLS = "openat,write,fsync,fdatasync,link,linkat,rename,renameat,renameat2,unlink,unlinkat,mkdir"

PRELUDE = """
import os, sys
from pathlib import Path
from gateway.store.interfaces import MessageAttributes
from tests.store.conformance import *
from tests.store.maildir_place import MaildirPlace
from tests.store.threads import deliver_together
"""
NAMED = "del os.O_TMPFILE\n"
READY = """
place = MaildirPlace(Path(sys.argv[1]))
for mailbox in (ANNA, BERT):
    deliver(place.store, b"earlier\\r\\n", mailbox)
"""
BEGIN = 'os.write(2, b"BEGIN")\n'
END = 'os.write(2, b"ACKNOWLEDGED")\n'


def traced(folder: Path, script: str, named: bool = False) -> list[str]:
    """Run a script under strace. Return its calls between BEGIN and ACKNOWLEDGED, as short words.

    Paths are shortened to what they are: "anna/new", "spool", ...
    """
    strace = require_program("strace")
    log = folder / "trace"
    whole = PRELUDE + (NAMED if named else "") + READY + BEGIN + script + "\n" + END
    subprocess.run(
        [
            *(strace, "-f", "-y", "-e", f"trace={CALLS}", "-s", "0", "-o", log),
            *(sys.executable, "-c", whole, folder),
        ],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        check=True,
        timeout=60,
        stderr=subprocess.DEVNULL,
    )
    lines = [line.partition(" ")[2].strip() for line in log.read_text().splitlines()]
    marks = [n for n, line in enumerate(lines) if line.startswith("write(2<")]
    assert len(marks) == 2
    return [call for line in lines[marks[0] + 1 : marks[1]] if (call := _shorten(line, folder))]


def _shorten(line: str, folder: Path) -> str | None:
    """Turn a line of strace into a word for the call, and what it was done to."""
    call = line.partition("(")[0]
    if call == "openat" and "O_CREAT" not in line and "O_TMPFILE" not in line:
        return None
    call = {"openat": "create", "linkat": "link", "renameat": "rename", "unlinkat": "unlink"}.get(
        call, call
    )
    paths = re.findall(rf"{re.escape(str(folder))}/([^\">]*)", line)
    assert paths, line
    path = paths[0] if call in ("create", "write", "fsync", "unlink", "mkdir") else paths[-1]
    return f"{call} {_place(path)}"


def _place(path: str) -> str:
    if path.startswith("spool"):
        return "spool"
    if match := re.fullmatch(r"mail/example\.(?:com|org|net)/(\w+)/(new|cur|tmp)(/.*)?", path):
        return f"{match[1]}/{match[2]}" if match[3] is None else f"{match[1]}/{match[2]}/message"
    return path.removeprefix("mail/example.com/").removeprefix("mail/example.org/")


def test_one_recipient(tmp_path: Path) -> None:
    calls = traced(tmp_path, 'deliver(place.store, b"x" * 4000 + b"\\r\\n", ANNA)')
    assert calls == [
        "create spool",
        "write spool",
        "fsync spool",
        "link anna/new/message",
        "fsync anna/new",
    ]


def test_several_recipients(tmp_path: Path) -> None:
    calls = traced(tmp_path, 'deliver(place.store, b"x" * 4000 + b"\\r\\n", ANNA, BERT)')
    assert calls == [
        "create spool",
        "write spool",
        "fsync spool",
        "link anna/new/message",
        "link bert/new/message",
        "fsync anna/new",
        "fsync bert/new",
    ]


def test_with_a_name_in_the_spool(tmp_path: Path) -> None:
    calls = traced(tmp_path, 'deliver(place.store, b"x" * 4000 + b"\\r\\n", ANNA)', named=True)
    assert calls == [
        "create spool",
        "write spool",
        "fsync spool",
        "link anna/new/message",
        "fsync anna/new",
        "unlink spool",
    ]


def test_spooled_while_it_arrives(tmp_path: Path) -> None:
    script = 'deliver(place.store, [b"x" * 70_000, b"y" * 70_000, b"\\r\\n"], ANNA)'
    assert traced(tmp_path, script) == [
        "create spool",
        "write spool",
        "write spool",
        "write spool",
        "fsync spool",
        "link anna/new/message",
        "fsync anna/new",
    ]


def test_a_group_syncs_a_folder_once(tmp_path: Path) -> None:
    messages = '[(b"1", (ANNA,)), (b"2", (ANNA,)), (b"3", (ANNA, BERT))]'
    calls = traced(tmp_path, f"deliver_together(place, {messages})")
    alone = ["create spool", "write spool", "fsync spool", "link anna/new/message"]
    alone += ["fsync anna/new"]
    assert calls[-len(alone) - 11 :] == [
        *alone,
        *("create spool", "write spool") * 2,
        *("fsync spool",) * 2,
        *("link anna/new/message",) * 2,
        "link bert/new/message",
        "fsync anna/new",
        "fsync bert/new",
    ]


def test_attributes_are_safe_before_the_message_is_visible(tmp_path: Path) -> None:
    script = 'deliver(place.store, b"x\\r\\n", ANNA, attributes=MessageAttributes(uidl="kept"))'
    assert traced(tmp_path, script) == [
        "create spool",
        "write spool",
        "fsync spool",
        "create anna/.pop3gw.index",
        "write anna/.pop3gw.index",
        "fsync anna/.pop3gw.index",
        "fsync anna",
        "link anna/new/message",
        "fsync anna/new",
    ]


def test_a_mailbox_is_made_durably(tmp_path: Path) -> None:
    calls = traced(tmp_path, 'deliver(place.store, b"x\\r\\n", "carl@example.net")')
    made = calls[calls.index("mkdir mail/example.net") :]
    for name in ("tmp", "new", "cur"):
        assert f"mkdir carl/{name}" in made
    # A folder that is missing higher up is made, then the one below is tried again.
    above = {"mail/example.net": "mail", "mail/example.net/carl": "mail/example.net"}
    for folder, parent in above.items():
        assert made.index(f"fsync {parent}") > made.index(f"mkdir {folder}")
    assert made.count("fsync mail/example.net/carl") == 3
    assert made[-2:] == ["link carl/new/message", "fsync carl/new"]


def test_deleting(tmp_path: Path) -> None:
    script = "maildrop = opened(place.store, ANNA)\nresult(maildrop.commit([0]))\n"
    calls = traced(tmp_path, script)
    assert calls[-2:] == ["unlink anna/new/message", "fsync anna/new"]
