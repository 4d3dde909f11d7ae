"""Names of message files that do not tell the truth about sizes, found out when they were read.

They are remembered in the mailbox folder, so that a restart does not believe them again. It is
worth no sync: what a crash takes away is found out again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from gateway.store.uidl import is_uidl

_FILE = ".pop3gw.distrusted"
_NEW_FILE = ".pop3gw.distrusted.new"


def load(folder: Path) -> set[str]:
    """Return the base names that are not to be believed. Of a file that cannot be read, none."""
    try:
        text = (folder / _FILE).read_text(encoding="ascii", errors="replace")
    except OSError:
        return set()
    return set(text.splitlines())


def save(folder: Path, bases: Iterable[str]) -> None:
    """Remember these base names, and no others."""
    lines = "".join(f"{base}\n" for base in sorted(bases) if is_uidl(base))
    new = folder / _NEW_FILE
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(lines)
        new.replace(folder / _FILE)
    except OSError:
        # A folder that cannot be written to: it is found out again after the next start.
        return
