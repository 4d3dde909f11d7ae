"""A user's maildrop, under what was decided about it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred, fail
from zope.interface import implementer

from gateway.accounts.policies import MailboxPolicy
from gateway.store.interfaces import IKeepingMaildrop, IMaildrop, IMaildropPolicy, StoreError


@implementer(IMaildrop, IMaildropPolicy)
class PolicedMaildrop:
    """The maildrop of a store; what is deleted in it is kept where that was decided.

    @param maildrop: an `IMaildrop`; also an `IKeepingMaildrop` where anything is to be kept.
    """

    def __init__(self, maildrop: Any, policy: MailboxPolicy) -> None:
        self.mailbox: str = maildrop.mailbox
        self.snapshot = maildrop.snapshot
        self.policy = policy.announced
        self._policy = policy
        self._maildrop = maildrop

    def open_message(self, index: int) -> Any:
        """See `IMaildrop.open_message`."""
        return self._maildrop.open_message(index)

    def attributes(self, index: int) -> Any:
        """See `IMaildrop.attributes`."""
        return self._maildrop.attributes(index)

    def commit(self, deleted: Sequence[int]) -> Deferred[list[int]]:
        """See `IMaildrop.commit`."""
        until = self._policy.kept_until(time.time())
        removal: Deferred[list[int]]
        if until is None:
            removal = self._maildrop.commit(deleted)
        elif IKeepingMaildrop.providedBy(self._maildrop):
            removal = self._maildrop.set_aside(deleted, until)
        else:
            removal = fail(StoreError(f"{self.mailbox}: this kind of store cannot keep mail"))
        return removal

    def release(self) -> None:
        """See `IMaildrop.release`."""
        self._maildrop.release()
