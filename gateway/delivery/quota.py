"""Whether there is room in a mailbox for one more message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.accounts.interfaces import User
from gateway.delivery.interfaces import Refused
from gateway.delivery.waiting import Steps
from gateway.store.interfaces import Usage
from gateway.wire import smtp_replies as replies
from gateway.wire.replies import SMTPReply

DOMAIN_FULL = SMTPReply(452, "4.2.2", "The mailboxes of this domain are full, try again later")


class QuotaGuard:
    """Refuses recipients whose mailbox, or whose domain, is full.

    It looks once, at RCPT, with the size that the client has declared. So a message whose size was
    not declared may pass a quota, and so may several that come at the same time: by one message
    each.

    @param store: an `IMailStore`, which is asked only about mailboxes that have a quota.
    """

    def __init__(self, store: Any) -> None:
        self._store = store

    def check(self, users: Sequence[User], size: int | None) -> Steps[None]:
        """See that all of `users` have room.

        @param size: octets of the message as declared (RFC 1870), None where they were not.
        @raise Refused: 552 5.2.2, it could never fit; 452 4.2.2, not now.
        @raise gateway.store.interfaces.StoreError: nobody can say now.
        """
        domains: set[str] = set()
        for user in users:
            if not user.has_quota:
                continue
            limits = user.quota_octets, user.quota_messages
            yield from self._check(user.mailbox, limits, size, replies.MAILBOX_FULL)
            domain = "@" + user.mailbox.rpartition("@")[2]
            if domain not in domains:
                domains.add(domain)
                limits = user.domain_quota_octets, user.domain_quota_messages
                yield from self._check(domain, limits, size, DOMAIN_FULL)

    def _check(
        self, name: str, limits: tuple[int | None, int | None], size: int | None, full: SMTPReply
    ) -> Steps[None]:
        if limits == (None, None):
            return
        if 0 in limits:
            raise Refused(replies.MAILBOX_FULL_FOR_GOOD)
        if _is_over(Usage(0, 0), limits, size):
            raise Refused(replies.TOO_BIG_FOR_MAILBOX)
        for fresh in (False, True):
            usage = yield self._store.usage(name, fresh)
            if not _is_over(usage, limits, size):
                return
        raise Refused(full)


def _is_over(usage: Usage, limits: tuple[int | None, int | None], size: int | None) -> bool:
    most_octets, most_messages = limits
    if most_octets is not None and usage.octets + (size or 1) > most_octets:
        return True
    return most_messages is not None and usage.messages >= most_messages
