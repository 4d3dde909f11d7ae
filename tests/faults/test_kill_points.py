"""Kill -9 before each system call of a delivery: what was acknowledged is there, once and whole.

A process is forked from this one, strace attaches to it, and it delivers one message. The first
lives to the end, and shows which system calls there are. For each of them another is killed when it
is about to make that call; then a new store starts on the same folder, and looks.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.store.interfaces import MessageAttributes
from tests.faults.killing import DONE, calls, kill_at, traced
from tests.store.conformance import ANNA, BERT, Place, contents, deliver
from tests.store.maildir_place import MaildirPlace
from tests.store.sqlite_place import SQLitePlace
from tests.store.threads import deliver_together

DELIVERIES: dict[str, tuple[list[bytes], tuple[str, ...], MessageAttributes | None]] = {
    "to one": ([b"x" * 4000], (ANNA,), None),
    "to several": ([b"x" * 4000], (ANNA, BERT, "carl@example.com"), None),
    "spooled": ([b"x" * 70_000, b"y" * 70_000, b"z"], (ANNA, BERT), None),
    "with attributes": ([b"x"], (ANNA,), MessageAttributes(requiretls=True)),
    "to a new mailbox": ([b"x"], (ANNA, "new@example.net"), None),
    "in a group": ([b"x" * 4000], (ANNA, BERT), None),
}


def _prepare(place: Place, name: str, kind: str) -> Callable[[], object]:
    """Open a store; return what delivers to it."""
    blocks, mailboxes, attributes = DELIVERIES[kind]
    texts = [
        [f"Subject: {subject}\r\n\r\n".encode(), *blocks, b"\r\n"]
        for subject in _subjects(name, kind)
    ]
    store = place.another()
    if len(texts) > 1:
        together = [(b"".join(text), mailboxes) for text in texts]
        return lambda: deliver_together(place, together)
    return lambda: deliver(store, texts[0], *mailboxes, attributes=attributes)


def _subjects(name: str, kind: str) -> list[str]:
    return [name, f"{name} second", f"{name} third"] if kind == "in a group" else [name]


def _deliver(place: Place, name: str, kind: str, log: Path, *options: str) -> int:
    """Deliver under strace; return how it ended."""
    return traced(lambda: _prepare(place, name, kind), log, *options)


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


@pytest.mark.slow
@pytest.mark.parametrize("kind", DELIVERIES)
def test_killed_before_each_system_call(place: Place, kind: str, tmp_path: Path) -> None:
    mailboxes, log = DELIVERIES[kind][1], tmp_path / "log"
    assert _deliver(place, "first", kind, log) == DONE
    made = calls(log)
    assert {"fsync", "fdatasync"} & dict(made).keys()
    place.restart()
    kills = 0
    for number, (call, occurrence) in enumerate(made):
        if kind == "to a new mailbox":
            place.administration.purge(mailboxes[-1])
        status = _deliver(place, str(number), kind, log, *kill_at(call, occurrence))
        # Some calls are made only once, such as those that make a file of attributes.
        assert status in (DONE, -signal.SIGKILL)
        kills += status != DONE
        place.restart()
        assert _deliver(place, f"{number} again", kind, log) == DONE
        found = _found(place, kind)
        for mailbox in mailboxes:
            for subject in _subjects(str(number), kind):
                assert found[subject, mailbox] in ((1,) if status == DONE else (0, 1))
            for subject in _subjects(f"{number} again", kind):
                assert found[subject, mailbox] == 1
        assert _left_in_the_spool(tmp_path) == []
    assert kills >= 0.5 * len(made)


def _left_in_the_spool(folder: Path) -> list[Path]:
    known = {".lock", ".alive"}
    files = [*(folder / "spool").rglob("*"), *(folder / "sqlite" / "arriving").rglob("*")]
    return [path for path in files if path.is_file() and path.name not in known]
