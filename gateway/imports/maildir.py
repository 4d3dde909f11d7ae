"""A Maildir of no server in particular: the unique-id is the name of the file.

So do qmail-pop3d and its kin, and so does this gateway.
"""

from __future__ import annotations

from pathlib import Path

from gateway.imports.maildir_folder import list_files
from gateway.imports.messages import SourceMessage, source_message


def read_mailbox(folder: Path) -> list[SourceMessage]:
    """Return the messages of a mailbox in the order of their arrival.

    @raise SourceError: it cannot be read.
    """
    return [
        source_message(file.base, file.base, file.modified, file.read)
        for file in list_files(folder)
    ]
