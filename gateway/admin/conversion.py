"""From one kind of store to another, in the same data folder."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from gateway.admin.folder import Folder
from gateway.admin.output import counted
from gateway.admin.progress import progress_bar
from gateway.admin.refusals import Refused
from gateway.admin.store_access import require_no_gateway
from gateway.store.copying import Copied, copy_mailbox, require_same
from gateway.store.kinds import KINDS, open_administration
from gateway.store.moving import StoreEnd

_FOLDERS = {"maildir": "mail", "sqlite": "sqlite"}


def convert_store(folder: Folder, kind: str) -> str:
    """Copy all mail into a store of `kind` and use that from now on; say what was done.

    @raise Refused: a gateway runs, or the store is of that kind already.
    @raise StoreError: something cannot be copied; the store in use stays the old one.
    """
    old = folder.store_kind
    if old == kind:
        raise Refused(f"the mail of {folder.data.path} is kept as {kind} already")
    require_no_gateway(folder)
    source, target = KINDS[old].end(folder.data.path), KINDS[kind].end(folder.data.path)
    administration: Any = open_administration(old, folder.data.path)
    total = sum(administration.usage(mailbox).messages for mailbox in administration.mailboxes())
    done = Copied()
    with source.opened(), target.opened(), progress_bar("converting", total) as advance:
        mailboxes = source.mailboxes()
        for mailbox in mailboxes:
            done += copy_mailbox(source, target, mailbox, advance)
        for mailbox in target.mailboxes():
            if mailbox not in mailboxes:
                done.removed += _empty(target, mailbox)
        for mailbox in mailboxes:
            require_same(source, target, mailbox)
    require_no_gateway(folder)
    folder.data.set_store_kind(kind)
    return _told(folder.data.path / _FOLDERS[old], kind, len(mailboxes), done)


def _told(old: Path, kind: str, mailboxes: int, done: Copied) -> str:
    deleted = stale = ""
    if done.deleted:
        deleted = f", with {counted(done.deleted, 'message')} that can be undeleted"
    if done.removed:
        stale = f", {counted(done.removed, 'message')} of an earlier conversion removed"
    return (
        f"{counted(done.messages, 'message')} in {counted(mailboxes, 'mailbox')} are kept as "
        f"{kind} now{deleted}{stale}; the old store is still in {old}: when all is well, "
        f"'pop3gw store convert {kind} --remove-old' deletes it"
    )


def remove_other(folder: Folder, kind: str) -> str:
    """Delete the store that is not in use; say what was done.

    @param kind: the kind that is in use, so that nobody deletes the wrong one.
    @raise Refused: another kind is in use.
    """
    if folder.store_kind != kind:
        raise Refused(
            f"the mail of {folder.data.path} is kept as {folder.store_kind}, not as {kind}: "
            f"first 'pop3gw store convert {kind}'"
        )
    (other,) = (path for name, path in _FOLDERS.items() if name != kind)
    path = folder.data.path / other
    if path.exists():
        shutil.rmtree(path)
    if other == "mail":
        path.mkdir(0o700)
    return f"deleted the old store in {path}"


def _empty(target: StoreEnd, mailbox: str) -> int:
    with target.holding(mailbox):
        messages = target.messages(mailbox)
        target.remove(mailbox, messages)
    return len(messages)
