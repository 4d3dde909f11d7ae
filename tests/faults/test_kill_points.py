"""Kill -9 before each system call of a delivery: what was acknowledged is there, once and whole.

A process is forked from this one, strace attaches to it, and it delivers one message. The first
lives to the end, and shows which system calls there are. For each of them another is killed when it
is about to make that call; then a new store starts on the same folder, and looks.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from gateway.store.interfaces import MessageAttributes
from tests.programs import require_program
from tests.store.conformance import ANNA, BERT, Place, contents, deliver
from tests.store.maildir_place import MaildirPlace
from tests.store.sqlite_place import SQLitePlace
from tests.store.threads import deliver_together

SECONDS = 20.0
ACKNOWLEDGED = 0

DELIVERIES: dict[str, tuple[list[bytes], tuple[str, ...], MessageAttributes | None]] = {
    "to one": ([b"x" * 4000], (ANNA,), None),
    "to several": ([b"x" * 4000], (ANNA, BERT, "carl@example.com"), None),
    "spooled": ([b"x" * 70_000, b"y" * 70_000, b"z"], (ANNA, BERT), None),
    "with attributes": ([b"x"], (ANNA,), MessageAttributes(requiretls=True)),
    "to a new mailbox": ([b"x"], (ANNA, "new@example.net"), None),
    "in a group": ([b"x" * 4000], (ANNA, BERT), None),
}


def _child(place: Place, name: str, kind: str, ready: int, go: int) -> None:
    """Deliver when told to, then end with `ACKNOWLEDGED`. Never returns."""
    status = 99
    try:
        blocks, mailboxes, attributes = DELIVERIES[kind]
        texts = [
            [f"Subject: {subject}\r\n\r\n".encode(), *blocks, b"\r\n"]
            for subject in _subjects(name, kind)
        ]
        store = place.another()
        os.write(ready, b"!")
        os.read(go, 1)
        if len(texts) > 1:
            deliver_together(place, [(b"".join(text), mailboxes) for text in texts])
        else:
            deliver(store, texts[0], *mailboxes, attributes=attributes)
        status = ACKNOWLEDGED
    finally:
        os._exit(status)


def _subjects(name: str, kind: str) -> list[str]:
    return [name, f"{name} second", f"{name} third"] if kind == "in a group" else [name]


def _deliver(place: Place, name: str, kind: str, log: Path, *options: str) -> int:
    """Deliver under strace. Return how it ended, as `os.waitstatus_to_exitcode` gives it."""
    strace = require_program("strace")
    (go, start), (wait, ready) = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        _child(place, name, kind, ready, go)
    assert os.read(wait, 1)
    tracer = subprocess.Popen([strace, "-o", log, *options, "-p", str(pid)], stderr=subprocess.PIPE)
    assert tracer.stderr is not None
    try:
        assert b"attached" in tracer.stderr.readline()
        os.write(start, b"!")
        _, status = os.waitpid(pid, 0)
        tracer.wait(timeout=SECONDS)
    finally:
        for descriptor in (go, start, wait, ready):
            os.close(descriptor)
        if tracer.poll() is None:
            tracer.kill()
            tracer.wait()
        tracer.stderr.close()
    return os.waitstatus_to_exitcode(status)


def _whole(kind: str, message: bytes) -> bool:
    return message.partition(b"\r\n\r\n")[2] == b"".join(DELIVERIES[kind][0]) + b"\r\n"


def _found(place: Place, kind: str) -> Counter[tuple[str, str]]:
    """Count (message, mailbox). Every message must be whole."""
    found: Counter[tuple[str, str]] = Counter()
    for mailbox in DELIVERIES[kind][1]:
        for message in contents(place.store, mailbox):
            assert _whole(kind, message)
            found[message.partition(b"\r\n")[0].decode().removeprefix("Subject: "), mailbox] += 1
    return found


@pytest.fixture(params=["nameless", "named", "sqlite"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    if request.param == "named":
        monkeypatch.delattr(os, "O_TMPFILE")
    made = SQLitePlace(tmp_path) if request.param == "sqlite" else MaildirPlace(tmp_path)
    for mailbox in (ANNA, BERT, "carl@example.com"):
        contents(made.store, mailbox)  # makes the mailbox
    return made


def _calls(log: Path) -> list[tuple[str, int]]:
    """Return each system call of a log, and the how manieth of its name it is."""
    seen: Counter[str] = Counter()
    calls = []
    for line in log.read_text().splitlines():
        name, parenthesis, _ = line.partition("(")
        if parenthesis and name.isidentifier():
            seen[name] += 1
            calls.append((name, seen[name]))
    return calls


@pytest.mark.slow
@pytest.mark.parametrize("kind", DELIVERIES)
def test_killed_before_each_system_call(place: Place, kind: str, tmp_path: Path) -> None:
    mailboxes, log = DELIVERIES[kind][1], tmp_path / "log"
    assert _deliver(place, "first", kind, log) == ACKNOWLEDGED
    calls = _calls(log)
    assert {"fsync", "fdatasync"} & dict(calls).keys()
    place.restart()
    kills = 0
    for number, (call, occurrence) in enumerate(calls):
        if kind == "to a new mailbox":
            place.administration.purge(mailboxes[-1])
        inject = f"inject={call}:signal=KILL:when={occurrence}"
        status = _deliver(place, str(number), kind, log, "-e", inject)
        # Some calls are made only once, such as those that make a file of attributes.
        assert status in (ACKNOWLEDGED, -signal.SIGKILL)
        kills += status != ACKNOWLEDGED
        place.restart()
        assert _deliver(place, f"{number} again", kind, log) == ACKNOWLEDGED
        found = _found(place, kind)
        for mailbox in mailboxes:
            for subject in _subjects(str(number), kind):
                assert found[subject, mailbox] in ((1,) if status == ACKNOWLEDGED else (0, 1))
            for subject in _subjects(f"{number} again", kind):
                assert found[subject, mailbox] == 1
        assert _left_in_the_spool(tmp_path) == []
    assert kills >= 0.5 * len(calls)


def _left_in_the_spool(folder: Path) -> list[Path]:
    known = {".lock", ".alive"}
    files = [*(folder / "spool").rglob("*"), *(folder / "sqlite" / "arriving").rglob("*")]
    return [path for path in files if path.is_file() and path.name not in known]
