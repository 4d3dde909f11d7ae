"""A Maildir of no server in particular: the unique-id is the name of the file.

So do qmail-pop3d and its kin. A Maildir of this gateway's, or one that it has exported, has an
index of those unique-ids that are others.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gateway.imports.maildir_folder import MessageFile, list_files, unreadable
from gateway.imports.messages import SourceMessage, source_message
from gateway.store.interfaces import MessageAttributes
from gateway.store.maildir import records
from gateway.store.maildir.names import place_by_time


def read_mailbox(folder: Path) -> list[SourceMessage]:
    """Return the messages of a mailbox in the order of their arrival.

    @raise SourceError: it cannot be read.
    """
    files = list_files(folder)
    try:
        index = records.load(folder)
    except OSError as error:
        raise unreadable(folder / records.FILE, error) from error

    def place(file: MessageFile) -> str:
        attributes = index.get(file.base)
        if attributes is None or not attributes.arrived:
            return file.place
        return place_by_time(attributes.arrived, file.base)

    if any(attributes.arrived for attributes in index.values()):
        files.sort(key=place)
    return [_message(file, index.get(file.base)) for file in files]


def _message(file: MessageFile, attributes: MessageAttributes | None) -> SourceMessage:
    if attributes is None:
        return source_message(file.base, file.base, file.modified, file.read)
    arrived = attributes.arrived or file.modified
    message = source_message(file.base, attributes.uidl or file.base, arrived, file.read)
    return replace(message, smtputf8=attributes.smtputf8, requiretls=attributes.requiretls)
