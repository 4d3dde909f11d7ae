"""The file dovecot-uidlist of a Maildir: which UID Dovecot gave to which message file.

Two versions are in use. 1 (before Dovecot 1.1) has the header "1 UIDVALIDITY NEXT-UID" and lines
"UID NAME"; 3 has the header "3 V<uidvalidity> N<next uid> ..." and lines "UID <key><value>...
:NAME". Of the keys, P is the unique-id that POP3 clients were told (empty where it is the name of
the file), G a GUID and O a place in the order of POP3.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from gateway.imports.errors import DamagedLine

FILE = "dovecot-uidlist"

_LARGEST_UID = 0xFFFFFFFE
_ENTRY = {
    1: re.compile(r"([0-9]{1,10}) +([^/]+)"),
    3: re.compile(r"([0-9]{1,10}) +((?:[A-Z][^ ]* +)*):([^/]+)"),
}
_SHAPE = {1: "UID NAME", 3: "UID :NAME"}
_HEADER_1 = re.compile(r"1 ([0-9]{1,10}) ([0-9]{1,10})")
_HEADER_3 = re.compile(r"3(?: [A-Z][^ ]*)*")


@dataclass(frozen=True, slots=True)
class UidEntry:
    """What the file says of one message."""

    uid: int
    name: str
    """Of the message file, without flags."""
    pop3_uidl: str | None = None
    """The saved unique-id; "" for the name of the file; None where none is saved."""
    guid: str | None = None
    pop3_order: int | None = None


@dataclass(frozen=True, slots=True)
class UidList:
    """The whole file."""

    uidvalidity: int
    entries: dict[str, UidEntry]
    """By the name of the message file without flags, in the order of the UIDs."""


def parse(octets: bytes) -> UidList:
    """Read the file.

    @raise DamagedLine: it is not whole.
    """
    lines = octets.split(b"\n")
    if lines[-1]:
        raise DamagedLine(len(lines), "the file ends within this line: copy it again")
    version, uidvalidity = _read_header(os.fsdecode(lines[0]))
    entries: dict[str, UidEntry] = {}
    last = 0
    for number, line in enumerate(lines[1:-1], 2):
        entry = _read_entry(number, version, os.fsdecode(line))
        if entry.uid <= last:
            raise DamagedLine(
                number, f"the UID {entry.uid} does not follow {last}; {_remedy(version)}"
            )
        last = entry.uid
        # A file that was taken out and put back has two lines; Dovecot goes by the later.
        entries.pop(entry.name, None)
        entries[entry.name] = entry
    return UidList(uidvalidity, entries)


def _read_header(line: str) -> tuple[int, int]:
    old = _HEADER_1.fullmatch(line)
    if old is not None:
        return 1, int(old[1])
    if _HEADER_3.fullmatch(line):
        for field in line.split(" ")[1:]:
            if re.fullmatch("V[0-9]{1,10}", field):
                return 3, int(field[1:])
    raise DamagedLine(
        1,
        f"{line[:40]!r} is not the header of a dovecot-uidlist (as in '3 V1700000000 N42 G...'): "
        "take the file from a backup",
    )


def _read_entry(number: int, version: int, line: str) -> UidEntry:
    match = _ENTRY[version].fullmatch(line)
    if match is None or not 0 < int(match[1]) <= _LARGEST_UID:
        raise DamagedLine(number, f"{line[:60]!r} is not '{_SHAPE[version]}'; {_remedy(version)}")
    uid, name = int(match[1]), match[match.re.groups].partition(":")[0]
    if version == 1:
        return UidEntry(uid, name)
    values = {field[0]: field[1:] for field in match[2].split()}
    order = values.get("O", "")
    return UidEntry(
        uid,
        name,
        values.get("P"),
        values.get("G") or None,
        int(order) if order.isascii() and order.isdigit() else None,
    )


def _remedy(version: int) -> str:
    return (
        f"write '{_SHAPE[version]}', or remove the line: clients will then fetch its message again"
    )
