"""The side index of a mailbox: what its messages carry beside their octets.

One JSON object a line, in the order they were written; the last one for a message counts. Only
messages that carry something have a line, and it is on stable storage before the message can be
seen. Each line is written in one call with a line feed on either side, so that one torn by a
crash spoils nothing but itself.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway.files import sync_folder
from gateway.store.interfaces import MessageAttributes
from gateway.store.maildir.slices import SLICE, let_others_run
from gateway.store.uidl import is_uidl

FILE = ".pop3gw.index"
_NEW_FILE = ".pop3gw.index.new"
_NOTHING = MessageAttributes()
# Ten digits of seconds: the year 2286. What orders messages has no more.
_LATEST = 1e10

Records = dict[str, MessageAttributes]
"""Attributes by base name."""


def needs_record(attributes: MessageAttributes) -> bool:
    """Say whether a message with these attributes needs a line in the index."""
    return attributes != _NOTHING


def append(folder: Path, records: Records) -> None:
    """Write lines to the index of a mailbox and wait until they are on stable storage."""
    lines = "".join(_line(base, a) for base, a in records.items()).encode("ascii")
    with _locked(folder, fcntl.LOCK_SH) as (descriptor, is_new):
        if os.write(descriptor, lines) < len(lines):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
    if is_new:
        sync_folder(folder)


def load(folder: Path) -> Records:
    """Read the index of a mailbox; of one that has none, an empty one."""
    records: Records = {}
    try:
        lines = (folder / FILE).open("rb")
    except FileNotFoundError:
        return records
    with lines:
        for number, line in enumerate(lines):
            if not number % SLICE:
                let_others_run()
            record = _parse(line)
            if record is not None:
                records[record[0]] = record[1]
    return records


def rewrite(folder: Path, dead: set[str]) -> None:
    """Write the index anew without the lines of `dead` messages."""
    with _locked(folder, fcntl.LOCK_EX):
        kept = {base: a for base, a in load(folder).items() if base not in dead}
        new = folder / _NEW_FILE
        with os.fdopen(_private(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:
            for base, attributes in kept.items():
                file.write(_line(base, attributes).encode("ascii"))
            file.flush()
            os.fsync(file.fileno())
        new.replace(folder / FILE)
        sync_folder(folder)


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[tuple[int, bool]]:
    """Open the index and keep `rewrite` from taking it away.

    Yields the descriptor, and whether its name in the folder may be new.
    """
    path = folder / FILE
    while True:
        descriptor = _private(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        try:
            fcntl.flock(descriptor, how)
            opened = os.fstat(descriptor)
            try:
                current = opened.st_ino == path.stat().st_ino
            except FileNotFoundError:
                current = False
            if current:
                yield descriptor, opened.st_size == 0
                return
        finally:
            os.close(descriptor)


def _private(path: Path, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _line(base: str, attributes: MessageAttributes) -> str:
    record: dict[str, Any] = {"name": base}
    for key in ("arrived", "uidl", "smtputf8", "requiretls"):
        value = getattr(attributes, key)
        if value != getattr(_NOTHING, key):
            record[key] = value
    return f"\n{json.dumps(record)}\n"


def _parse(line: bytes) -> tuple[str, MessageAttributes] | None:
    """Read a line; None if it is empty, torn or damaged."""
    try:
        record = json.loads(line)
        name = record.pop("name")
        attributes = MessageAttributes(**record)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return (name, attributes) if _is_sound(name, attributes) else None


def _is_sound(name: object, attributes: MessageAttributes) -> bool:
    uidl = attributes.uidl
    return (
        isinstance(name, str)
        and isinstance(attributes.arrived, float | int)
        and 0 <= attributes.arrived < _LATEST
        and (uidl is None or (isinstance(uidl, str) and is_uidl(uidl)))
        and isinstance(attributes.smtputf8, bool)
        and isinstance(attributes.requiretls, bool)
    )
