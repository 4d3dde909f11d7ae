"""From one kind of store to another, in the same data folder."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any

from gateway.admin.folder import Folder
from gateway.admin.output import counted
from gateway.admin.progress import progress_bar
from gateway.admin.refusals import Refused
from gateway.admin.store_access import require_no_gateway
from gateway.store.copying import copy_mailbox
from gateway.store.interfaces import StoreError
from gateway.store.kinds import open_administration
from gateway.store.offline import OfflineStore, offline_store

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
    administration: Any = open_administration(old, folder.data.path)
    mailboxes = administration.mailboxes()
    messages = sum(administration.usage(mailbox).messages for mailbox in mailboxes)
    removed = 0
    with (
        offline_store(old, folder.data.path) as source,
        offline_store(kind, folder.data.path) as target,
        progress_bar("converting", messages) as advance,
    ):
        for mailbox in mailboxes:
            removed += copy_mailbox(source, target, mailbox, advance).removed
        for mailbox in open_administration(kind, folder.data.path).mailboxes():
            if mailbox not in mailboxes:
                removed += _empty(target, mailbox)
        for mailbox in mailboxes:
            _compare(source, target, mailbox)
    require_no_gateway(folder)
    folder.data.set_store_kind(kind)
    stale = f", {counted(removed, 'message')} of an earlier conversion removed" if removed else ""
    left = _left_behind(administration, mailboxes)
    where = folder.data.path / _FOLDERS[old]
    return (
        f"{counted(messages, 'message')} in {counted(len(mailboxes), 'mailbox')} are kept as {kind}"
        f" now{stale}{left}; the old store is still in {where}: when all is "
        f"well, 'pop3gw store convert {kind} --remove-old' deletes it"
    )


def _left_behind(administration: Any, mailboxes: Sequence[str]) -> str:
    """Say what is not converted: messages that were deleted and could be brought back."""
    deleted = sum(len(administration.deleted(mailbox)) for mailbox in mailboxes)
    if not deleted:
        return ""
    return f", left behind: {counted(deleted, 'message')} that could be undeleted"


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


def _empty(target: OfflineStore, mailbox: str) -> int:
    with target.maildrop(mailbox) as held:
        count = len(held.maildrop.snapshot)
        held.remove(list(range(count)))
    return count


def _compare(source: OfflineStore, target: OfflineStore, mailbox: str) -> None:
    with source.maildrop(mailbox) as theirs, target.maildrop(mailbox) as ours:
        old, new = theirs.maildrop.snapshot, ours.maildrop.snapshot
        if list(old.uidls) != list(new.uidls) or list(old.sizes) != list(new.sizes):
            raise StoreError(f"the mailbox {mailbox} changed meanwhile: run this again")
