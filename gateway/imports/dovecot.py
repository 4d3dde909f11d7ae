"""A Maildir of Dovecot's, with the unique-ids that its POP3 server gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gateway.imports.dovecot_uidlist import FILE, UidEntry, UidList, parse
from gateway.imports.errors import DamagedLine, SourceError
from gateway.imports.maildir_folder import MessageFile, damaged, list_files, read_list
from gateway.imports.messages import UNSEEN, SourceMessage, source_message
from gateway.imports.uidl_format import UidlFormat

NO_MD5 = "Dovecot makes the %m of its format for mbox files only, and none was saved"
_LAST = 1 << 32

_Place = tuple[int, int, str]


def read_mailbox(
    folder: Path, format: UidlFormat, control: Path | None = None
) -> list[SourceMessage]:
    """Return the messages of a mailbox in the order in which Dovecot lists them.

    @param control: the folder with dovecot-uidlist, where it is another (CONTROL= in Dovecot's
        mail_location).
    @raise SourceError: the mailbox or its dovecot-uidlist cannot be read.
    """
    files = list_files(folder)
    path = (control or folder) / FILE
    if not files and not path.exists():
        return []
    if not path.exists():
        raise SourceError(
            f"{folder} has no {FILE}: name the folder that has it with --control (CONTROL= in "
            "Dovecot's mail_location); if Dovecot never served this mailbox, use 'pop3gw import "
            "maildir'"
        )
    try:
        uids = parse(read_list(path))
    except DamagedLine as error:
        raise damaged(path, error) from None
    return [_message(file, uids, format) for file in sorted(files, key=_order(uids))]


def _order(uids: UidList) -> Callable[[MessageFile], _Place]:
    """Those with a place in the order of POP3 come first, then all others by UID."""

    def key(file: MessageFile) -> _Place:
        entry = uids.entries.get(file.base)
        if entry is None:
            return _LAST, _LAST, file.place
        order = _LAST if entry.pop3_order is None else entry.pop3_order
        return order, entry.uid, file.place

    return key


def _message(file: MessageFile, uids: UidList, format: UidlFormat) -> SourceMessage:
    entry = uids.entries.get(file.base)
    uidl = None if entry is None else _uidl(entry, uids.uidvalidity, format)
    because = UNSEEN if entry is None else NO_MD5
    return source_message(file.base, uidl, file.modified, file.read, none_because=because)


def _uidl(entry: UidEntry, uidvalidity: int, format: UidlFormat) -> str | None:
    """What is saved wins over the format, as in Dovecot."""
    if entry.pop3_uidl is not None:
        return entry.pop3_uidl or entry.name
    if format.needs_md5:
        return None
    return format.render(
        {
            "uid": str(entry.uid),
            "uidvalidity": str(uidvalidity),
            "filename": entry.name,
            "guid": entry.guid or entry.name,
        }
    )
