"""The file courierpop3dsizelist of a Maildir: the unique-ids of Courier's POP3 server.

Its first line tells the version: "/3 NEXT UIDV" and "/2 NEXT UIDV" are in use, "/1 NEXT" and none
at all are of old releases. The lines that follow are, by version:

    3   NAME SIZE N:UIDV:UTF8
    2   NAME SIZE N:UIDV
    1   NAME SIZE N
    0   NAME SIZE

The unique-id is "UID<N>-<UIDV>"; "UID<N>" where there is no UIDV or it is 0; and where there is no
N or it is 0 the name of the file, without flags, with "+" and two hexadecimal digits for quotes,
"+" and whatever is not printable.
"""

from __future__ import annotations

import os
import re

from gateway.imports.errors import DamagedLine

FILE = "courierpop3dsizelist"

_HEADERS = (
    (3, re.compile(r"/3 [0-9]+ [0-9]+")),
    (2, re.compile(r"/2 [0-9]+ [0-9]+")),
    (1, re.compile(r"/1 [0-9]+")),
)
_ENTRIES = {
    3: re.compile(r"([^/]+) [0-9]+ ([0-9]+):([0-9]+):[0-9]+"),
    2: re.compile(r"([^/]+) [0-9]+ ([0-9]+):([0-9]+)"),
    1: re.compile(r"([^/]+) [0-9]+ ([0-9]+)()"),
    0: re.compile(r"([^/]+) [0-9]+()()"),
}
_SHAPES = {3: "NAME SIZE N:UIDV:UTF8", 2: "NAME SIZE N:UIDV", 1: "NAME SIZE N", 0: "NAME SIZE"}


def parse(octets: bytes) -> dict[str, str]:
    """Read the file.

    @return: the unique-id of each message, by the name of its file without flags.
    @raise DamagedLine: the file is not whole.
    """
    lines = octets.split(b"\n")
    if lines[-1]:
        raise DamagedLine(len(lines), "the file ends within this line: copy it again")
    version = _read_version(os.fsdecode(lines[0]))
    uidls: dict[str, str] = {}
    first = 1 if version else 0
    for number, line in enumerate(lines[first:-1], first + 1):
        match = _ENTRIES[version].fullmatch(os.fsdecode(line))
        if match is None:
            raise DamagedLine(
                number,
                f"{os.fsdecode(line)[:60]!r} is not '{_SHAPES[version]}'; mend it, or remove the "
                "line: clients will then fetch its message again",
            )
        name = match[1].partition(":")[0]
        uidls[name] = _uidl(name, int(match[2] or 0), int(match[3] or 0))
    return uidls


def _read_version(line: str) -> int:
    for version, header in _HEADERS:
        if header.fullmatch(line):
            return version
    if line.startswith("/"):
        raise DamagedLine(
            1,
            f"{line[:40]!r} is not the header of a courierpop3dsizelist (as in '/3 42 1700000000')"
            ": take the file from a backup",
        )
    return 0


def _uidl(name: str, number: int, uidvalidity: int) -> str:
    if not number:
        return "".join(_escaped(octet) for octet in os.fsencode(name))
    return f"UID{number}-{uidvalidity}" if uidvalidity else f"UID{number}"


def _escaped(octet: int) -> str:
    if 0x21 <= octet <= 0x7E and octet not in b"'\"+":
        return chr(octet)
    return f"+{octet:02X}"
