"""Messages that were deleted and are still kept: `.pop3gw.deleted/<until>/` in the mailbox.

`<until>` is the time, in seconds since the epoch, from which on the messages in the folder may be
removed for good, or "kept": never. Their names are those they had, flags included. Blocks.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from gateway.files import sync_folder
from gateway.store.folders import make_folder
from gateway.store.interfaces import DeletedMessage
from gateway.store.maildir import records
from gateway.store.maildir.names import base_name, parse, place, time_of_place, uidl
from gateway.store.maildir.removal import remove, take_away
from gateway.store.maildir.sizes import OPEN_MESSAGE
from gateway.store.maildir.slices import SLICE, let_others_run

FOLDER = ".pop3gw.deleted"
_FOR_EVER = "kept"
_STEP_SECONDS = 3600
"""Messages that may go within the same hour share a folder."""
_HEADER_OCTETS = 16_384


def set_aside(folder: Path, paths: dict[str, str], until: float) -> set[str]:
    """Take messages out of the view of sessions, durably.

    @param paths: where each message was last seen, by base name.
    @param until: see `IKeepingMaildrop.set_aside`.
    @return: the base names of those that are still there, or may be after a crash.
    """
    aside = folder_until(folder, until)
    try:
        make_folder(aside)
    except OSError:
        return set(paths)
    left = take_away(folder, paths, lambda path: Path(path).rename(aside / Path(path).name))
    try:
        sync_folder(aside)
    except OSError:
        return set(paths)
    return left


def take_out(folder: Path, paths: dict[str, str], until: float | None) -> set[str]:
    """Set messages aside, or remove them where `until` is None. See `take_away`."""
    return remove(folder, paths) if until is None else set_aside(folder, paths, until)


def kept_until(until: float) -> float:
    """Return until when a message is kept that is to be kept for so long."""
    return until if until == math.inf else float(math.ceil(until / _STEP_SECONDS) * _STEP_SECONDS)


def folder_until(folder: Path, until: float) -> Path:
    """Return the folder for messages of a mailbox that are kept for so long."""
    name = _FOR_EVER if until == math.inf else str(int(kept_until(until)))
    return folder / FOLDER / name


def bases_aside(folder: Path) -> set[str]:
    """Return the base names of all that is kept."""
    return {base_name(path.name) for _, path in files(folder)}


def list_aside(folder: Path) -> list[DeletedMessage]:
    """Return all that is kept, in order of arrival."""
    index = records.load(folder)
    found = []
    for until, path in files(folder):
        try:
            found.append(_describe(path, until, index))
        except FileNotFoundError:
            continue
    return sorted(found, key=lambda message: (message.arrived, message.uidl))


def put_back(folder: Path, uidls: Collection[str]) -> list[str]:
    """Let sessions see messages again, durably.

    @return: the unique-ids of those that were kept.
    """
    index = records.load(folder)
    back: list[str] = []
    changed: set[Path] = set()
    for _, path in list(files(folder)):
        unique_id = unique_id_of(base_name(path.name), index)
        if unique_id in uidls:
            place_again = folder / ("cur" if ":" in path.name else "new")
            make_folder(place_again)
            path.rename(place_again / path.name)
            changed |= {place_again, path.parent}
            back.append(unique_id)
    for subfolder in changed:
        sync_folder(subfolder)
    return sorted(back)


def remove_overdue(folder: Path, moment: float, most: int) -> int:
    """Remove for good what need not be kept any longer.

    @param moment: now, in seconds since the epoch.
    @param most: how many messages at most.
    @return: how many were removed.
    """
    removed = 0
    for until, aside in _folders(folder):
        if until > moment:
            continue
        with suppress(FileNotFoundError), os.scandir(aside) as entries:  # others are at it, too
            for entry in entries:
                if removed >= most:
                    return removed
                Path(entry.path).unlink(missing_ok=True)
                removed += 1
            aside.rmdir()
    return removed


def _folders(folder: Path) -> Iterator[tuple[float, Path]]:
    try:
        found = sorted((folder / FOLDER).iterdir())
    except FileNotFoundError:
        return
    for path in found:
        if path.name == _FOR_EVER:
            yield math.inf, path
        elif path.name.isascii() and path.name.isdigit():
            yield float(path.name), path


def files(folder: Path) -> Iterator[tuple[float, Path]]:
    """Yield until when a message is kept, and its file."""
    for until, aside in _folders(folder):
        with os.scandir(aside) as entries:
            for number, entry in enumerate(entries):
                if not number % SLICE:
                    let_others_run()
                if not entry.name.startswith("."):
                    yield until, aside / entry.name


def _describe(path: Path, until: float, index: records.Records) -> DeletedMessage:
    base = base_name(path.name)
    octets = parse(base)[2]
    status = path.stat()
    arrived = arrival(base, index, status)
    return DeletedMessage(
        unique_id_of(base, index),
        octets if octets >= 0 else status.st_size,
        arrived,
        until,
        _header(path),
    )


def arrival(base: str, index: records.Records, status: os.stat_result) -> float:
    """Return when a message arrived, in seconds since the epoch."""
    if base in index and index[base].arrived:
        return index[base].arrived
    order = place(base)
    return time_of_place(order) if order else status.st_mtime


def unique_id_of(base: str, index: records.Records) -> str:
    """Return the unique-id that a message has for ever."""
    given = index[base].uidl if base in index else None
    return given if given is not None else uidl(base)


def _header(path: Path) -> bytes:
    with os.fdopen(os.open(path, OPEN_MESSAGE), "rb") as file:
        head = file.read(_HEADER_OCTETS).replace(b"\r\n", b"\n")
    return head.partition(b"\n\n")[0]
