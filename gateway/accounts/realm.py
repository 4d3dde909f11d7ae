"""What a user gets who has proved who they are (`twisted.cred`)."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm
from twisted.internet.defer import Deferred, inlineCallbacks
from zope.interface import implementer

from gateway.accounts.interfaces import IDirectory, IMailUser
from gateway.accounts.maildrop import PolicedMaildrop
from gateway.accounts.policies import MailboxPolicy
from gateway.store.interfaces import IMaildrop, IMailStore

Avatar = tuple[Any, Any, Callable[[], None]]
"""Interface, avatar and logout, as `twisted.cred.portal.IRealm` gives them."""


@implementer(IMailUser)
@dataclass(frozen=True, slots=True)
class MailUser:
    """A user who asked for no maildrop: one that sends mail."""

    address: str


@implementer(IRealm)
class MailRealm:
    """The mailboxes of a store, for the users of a directory.

    The avatar id (bytes in UTF-8, or str) is whatever the directory takes for a login. Whoever
    the directory does not know, or has disabled, gets nothing, whichever checker vouched for them.

    @param store: an `IMailStore`.
    @param directory: an `IDirectory`.
    @param policy_of: says what was decided about a mailbox; None where nothing was, for anybody.
        May raise, or return a Deferred that fails, when it cannot say.
    """

    def __init__(
        self,
        store: Any,
        directory: Any,
        policy_of: Callable[[str], MailboxPolicy | Deferred[MailboxPolicy]] | None = None,
    ) -> None:
        self._directory: Any = IDirectory(directory)
        self._interfaces: dict[Any, Callable[[str, Any], Deferred[Avatar] | Avatar]] = {
            IMaildrop: self._maildrop,
            IMailUser: self._mail_user,
        }
        self._store: Any = IMailStore(store)
        self._policy_of = policy_of

    @inlineCallbacks
    def requestAvatar(
        self, avatar_id: Any, mind: Any, *interfaces: Any
    ) -> Generator[Any, Any, Avatar]:
        """See `IRealm`.

        @param mind: the `gateway.client.Client`.
        @param interfaces: the first of them that is `IMaildrop` or `IMailUser` is given.
        @return: fails with `UnauthorizedLogin`, `NotImplementedError` (neither is asked for), or
            with what the directory or the store fails with.
        """
        make = next((self._interfaces[i] for i in interfaces if i in self._interfaces), None)
        if make is None:
            names = ", ".join(interface.__name__ for interface in interfaces) or "nothing"
            raise NotImplementedError(
                f"MailRealm has IMaildrop and IMailUser to give; it was asked for {names}"
            )
        name = avatar_id.decode("utf-8", "replace") if isinstance(avatar_id, bytes) else avatar_id
        if not name:
            raise UnauthorizedLogin  # anonymous (`checkers.ANONYMOUS`): no mailbox is meant
        user = yield self._directory.find_login(name)  # what is no Deferred comes at once
        if user is None or not user.enabled:
            raise UnauthorizedLogin
        made = make(user.mailbox, mind)
        at_once = not isinstance(made, Deferred) or made.called
        avatar = yield made
        if not at_once:
            # It may have taken ten seconds: whoever was disabled meanwhile stays outside.
            try:
                still = yield self._directory.find_login(name)
                if still is None or not still.enabled or still.mailbox != user.mailbox:
                    raise UnauthorizedLogin
            except BaseException:
                avatar[2]()
                raise
        return avatar

    def _maildrop(self, mailbox: str, client: Any) -> Deferred[Avatar]:
        policy = self._policy_of(mailbox) if self._policy_of is not None else None
        if isinstance(policy, Deferred):
            return policy.addCallback(self._open, mailbox, client)
        return self._open(policy, mailbox, client)

    def _open(self, policy: MailboxPolicy | None, mailbox: str, client: Any) -> Deferred[Avatar]:
        opening: Deferred[Any] = self._store.open_maildrop(mailbox, client)
        return opening.addCallback(_under, policy)

    def _mail_user(self, mailbox: str, client: Any) -> Avatar:  # noqa: ARG002
        return IMailUser, MailUser(mailbox), _nothing_to_end


def _under(maildrop: Any, policy: MailboxPolicy | None) -> Avatar:
    if policy is not None:
        maildrop = PolicedMaildrop(maildrop, policy)
    return IMaildrop, maildrop, maildrop.release


def _nothing_to_end() -> None:
    """The logout of an avatar that holds nothing."""
