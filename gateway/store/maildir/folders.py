"""Where a mailbox lies, and how folders come into being."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote

from gateway.store.folders import make_folder

SUBFOLDERS = ("tmp", "new", "cur")
# No escaped name looks like these two: in those, two hexadecimal digits follow each "%".
_EMPTY = "%empty"
_NO_DOMAIN = "%no-domain"


def escape(name: str) -> str:
    """Make a file name of any text: reversible, and never the same for two texts.

    What cannot stand in a file name (slash, NUL, a leading dot, which also keeps "." and ".."
    away) or would confuse a person (control characters) is written as "%" and two hexadecimal
    digits for each octet, as is "%" itself.
    """
    if not name:
        return _EMPTY
    escaped = "".join(_escape_character(c) for c in name)
    return "%2E" + escaped[1:] if escaped.startswith(".") else escaped


def _escape_character(character: str) -> str:
    lone_surrogate = "\ud800" <= character <= "\udfff"
    if character >= " " and character not in "/%\x7f" and not lone_surrogate:
        return character
    return "".join(f"%{octet:02X}" for octet in character.encode("utf-8", "surrogatepass"))


@lru_cache(maxsize=10_000)
def mailbox_folder(root: Path, mailbox: str) -> Path:
    """Say where a mailbox lies: "anna@example.com" in example.com/anna below `root`."""
    local_part, at, domain = mailbox.rpartition("@")
    if not at:
        return root / _NO_DOMAIN / escape(mailbox)
    return root / escape(domain) / escape(local_part)


def mailbox_of(root: Path, folder: Path) -> str | None:
    """Say which mailbox lies in a folder below `root`; None if it is none of ours."""
    domain, local_part = (unescape(part) for part in folder.relative_to(root).parts)
    name = local_part if folder.parent.name == _NO_DOMAIN else f"{local_part}@{domain}"
    return name if mailbox_folder(root, name) == folder else None


def unescape(name: str) -> str:
    """Undo `escape`."""
    return "" if name == _EMPTY else unquote(name, "utf-8", "surrogatepass")


def make_mailbox(folder: Path) -> None:
    """Make what is missing of a Maildir, durably."""
    for name in SUBFOLDERS:
        make_folder(folder / name)
