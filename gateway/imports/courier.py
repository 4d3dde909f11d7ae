"""A Maildir of Courier's, with the unique-ids that its POP3 server gives."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.imports.courier_sizelist import FILE, parse
from gateway.imports.errors import DamagedLine, SourceError
from gateway.imports.maildir_folder import MessageFile, damaged, list_files, read_list
from gateway.imports.messages import SourceMessage, source_message


def read_mailbox(folder: Path) -> list[SourceMessage]:
    """Return the messages of a mailbox in the order in which Courier lists them.

    @raise SourceError: the mailbox or its courierpop3dsizelist cannot be read.
    """
    files = list_files(folder)
    path = folder / FILE
    if not files and not path.exists():
        return []
    if not path.exists():
        raise SourceError(
            f"{folder} has no {FILE}: Courier's POP3 server never served it; use 'pop3gw import "
            "maildir'"
        )
    try:
        uidls = parse(read_list(path))
    except DamagedLine as error:
        raise damaged(path, error) from None
    return [
        source_message(file.base, uidls.get(file.base), file.modified, file.read)
        for file in sorted(files, key=_place)
    ]


def _place(file: MessageFile) -> tuple[int, str]:
    """Courier goes by the number that a name begins with, then by the name."""
    number = re.match("[0-9]+", file.base)
    return int(number[0]) if number else 0, file.base
