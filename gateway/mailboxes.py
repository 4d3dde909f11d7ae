"""From settings to what is decided about mailboxes, and to who looks after them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from gateway.accounts.database import AccountDatabase
from gateway.accounts.errors import AccountError
from gateway.accounts.policies import POLICY_SETTINGS, MailboxPolicy
from gateway.control.client import ask
from gateway.datafolder import DataFolder
from gateway.settings import Settings
from gateway.store.interfaces import MaildropPolicy
from gateway.store.takeover import Takeover
from gateway.store.upkeep import Care

InThread = Callable[..., Deferred[Any]]


def default_policy(settings: Settings) -> MailboxPolicy:
    """Return what holds for mailboxes about which nothing else was decided."""
    return MailboxPolicy(**settings.pop3.model_dump(include=set(POLICY_SETTINGS)))


def cares(database: AccountDatabase, default: MailboxPolicy) -> list[Care]:
    """Return what is to be done for the mailbox of each user. Blocks."""
    found = []
    for user in database.users():
        policy = database.policies.of(user.address, default)
        found.append(Care(user.address, policy.expire_days, policy.kept_until))
    return found


def strictest(database: AccountDatabase, default: MailboxPolicy) -> MaildropPolicy | None:
    """Return what a client may be told that has not said who it is; None where all are the same."""
    try:
        return database.policies.strictest(default)
    except AccountError:
        return default.announced  # a login says what is wrong


def build_takeover(settings: Settings, folder: DataFolder, in_thread: InThread) -> Takeover:
    """Return what decides on takeovers, in all gateways that run on a folder."""

    def ask_to_give_up(pid: int, mailbox: str, host: str) -> object:
        command = {"do": "give up", "mailbox": mailbox, "host": host}
        return in_thread(ask, folder.control_socket(pid), pid, command)

    return Takeover(settings.pop3.takeover_seconds, ask_to_give_up)
