"""The mail store, used with the rights of the folder's owner."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway.admin.refusals import Refused
from gateway.config_errors import one_line
from gateway.files import Owner, acting_as
from gateway.store.interfaces import (
    DeletedMessage,
    IKeepingAdministration,
    MaildropInUse,
    StoreError,
    Usage,
)


class OwnersMail:
    """An `IStoreAdministration` of which nothing that root does leaves files of root's.

    @param store: the `IStoreAdministration`.
    @param owner: the folder's owner, where root works for another user.
    """

    def __init__(self, store: Any, owner: Owner | None) -> None:
        self._store = store
        self._owner = owner

    def usage(self, mailbox: str) -> Usage:
        """Return what a mailbox holds. Raises `Refused` where it cannot be read."""
        with acting_as(self._owner), _refusing():
            usage: Usage = self._store.usage(mailbox)
        return usage

    def location(self, mailbox: str) -> Path | None:
        """Return where a mailbox lies, if it is anywhere to be found."""
        with acting_as(self._owner), _refusing():
            location: Path | None = self._store.location(mailbox)
        return location

    def exists(self, mailbox: str) -> bool:
        """Say whether there is a mailbox, be it empty."""
        location = self.location(mailbox)
        if location is not None:
            return location.exists()
        return bool(self.usage(mailbox).messages)

    def purge(self, mailbox: str) -> None:
        """Delete a mailbox. Raises `MaildropInUse` or `Refused`."""
        with acting_as(self._owner), _refusing():
            self._store.purge(mailbox)

    def keeps(self) -> bool:
        """Say whether this kind of store can keep what is deleted."""
        return bool(IKeepingAdministration.providedBy(self._store))

    def deleted(self, mailbox: str) -> list[DeletedMessage]:
        """Return the deleted messages that are kept. Raises `Refused`."""
        self._require_keeping()
        with acting_as(self._owner), _refusing():
            found: list[DeletedMessage] = self._store.deleted(mailbox)
        return found

    def undelete(self, mailbox: str, uidls: Collection[str]) -> list[str]:
        """Bring deleted messages back; return the unique-ids of those. Raises `Refused`."""
        self._require_keeping()
        with acting_as(self._owner), _refusing():
            back: list[str] = self._store.undelete(mailbox, uidls)
        return back

    def _require_keeping(self) -> None:
        if not self.keeps():
            raise Refused("this kind of mail store keeps nothing of what is deleted")


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except MaildropInUse:
        raise
    except StoreError as error:
        raise Refused(one_line(str(error))) from None
