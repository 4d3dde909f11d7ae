"""Mailboxes to serve: made once as a folder of files, then linked into each server's Maildirs."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

LINE = b"All work and no play makes Jack a dull boy, said the shining one.\n"
ENCODED_LINE = b"TGlnaHRseSBjb2RlZCwgYXMgcGljdHVyZXMgYW5kIGxldHRlcnMgYXJlIHRoYXQgdHJhdmVsLCAx\n"
"""As base64 has them (RFC 2045 section 6.8)."""
HEADER = b"From: bench@client.example\nTo: user@bench.example\nSubject: benchmark %06d\n\n"
OWNER = ("nobody", "nogroup")
"""Whom mailboxes belong to where the benchmark runs as root: Dovecot does not serve as root."""


@dataclass(frozen=True)
class Contents:
    """What lies in a mailbox."""

    messages: int
    octets: int
    """Of each message, in canonical form, about."""
    sized: bool = True
    """Whether the names tell the sizes (`,S=` and `,W=`), as Dovecot's and the gateway's do."""
    encoded: bool = False
    """Whether they are base64, as attachments are, and not text with a dot in each line."""

    def text(self, number: int) -> bytes:
        """Return a message with LF line ends."""
        header, line = HEADER % number, ENCODED_LINE if self.encoded else LINE
        return header + line * max(1, (self.octets - len(header)) // (len(line) + 1))

    @property
    def canonical(self) -> int:
        """Octets of each message as RETR sends it."""
        text = self.text(0)
        return len(text) + text.count(b"\n")


class Masters:
    """The files that mailboxes are made of, each made once.

    @param folder: on the file system of the mailboxes, since the files are linked there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, contents: Contents) -> Path:
        """Return the folder with the message files of a mailbox."""
        name = (
            f"{contents.messages}x{contents.octets}{'s' * contents.sized}{'e' * contents.encoded}"
        )
        folder = self._folder / name
        if not folder.exists():
            folder.mkdir(parents=True)
            for number in range(contents.messages):
                text = contents.text(number)
                path = folder / _name(number, text, contents.sized)
                path.write_bytes(text)
            os.sync()  # else whoever reads them first pays for the writing
        return folder


def _name(number: int, text: bytes, sized: bool) -> str:
    sizes = f",S={len(text)},W={len(text) + text.count(LINE[-1:])}" if sized else ""
    return f"{1_700_000_000 + number}.M{number % 1_000_000:06}P{number}.bench{sizes}"


def fill(mailbox: Path, master: Path) -> None:
    """Make a Maildir anew, with the files of a master in new/, never seen."""
    remove(mailbox)
    for name in ("new", "cur", "tmp"):
        (mailbox / name).mkdir(parents=True)
        give_away(mailbox / name)
    give_away(mailbox)
    source, target = os.open(master, os.O_RDONLY), os.open(mailbox / "new", os.O_RDONLY)
    for name in os.listdir(source):  # noqa: PTH208  (a descriptor is faster for 100,000)
        os.link(name, name, src_dir_fd=source, dst_dir_fd=target)
    os.close(source)
    os.close(target)


def remove(mailbox: Path) -> None:
    """Remove a mailbox, if there is one."""
    shutil.rmtree(mailbox, ignore_errors=True)


def give_away(path: Path) -> None:
    """Let a file or folder belong to the user that the old servers serve as."""
    if os.geteuid() == 0:
        shutil.chown(path, *OWNER)
