"""A user as `pop3gw user show` and `pop3gw user list` give it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from gateway.accounts.records import AliasRecord, UserRecord
from gateway.admin.folder import Folder
from gateway.admin.policy import default_of
from gateway.admin.refusals import Refused, say

NAMES = {
    "address": "Address",
    "enabled": "May log in",
    "messages": "Messages",
    "octets": "Octets",
    "quota_messages": "Most messages",
    "quota_octets": "Most octets",
    "login_delay_seconds": "Login delay",
    "login_delay_hard": "Delay is hard",
    "expire_days": "Expire days",
    "keep": "Keeps deleted",
    "undelete_days": "Undelete days",
    "apop": "APOP possible",
    "aliases": "Aliases",
    "created": "Added",
    "app_passwords": "App passwords",
    "last_logins": "Last logins",
    "maildir": "Maildir",
}
"""The keys of a user, and what they are called."""

COLUMNS = {key: NAMES[key] for key in ("address", "messages", "octets", "enabled")}
"""What the list shows."""


def describe(folder: Folder, users: Iterable[UserRecord]) -> list[dict[str, Any]]:
    """Return each user as `--json` prints it.

    Of a mailbox that cannot be read, messages and octets are None, and it is said why.
    """
    aliases = folder.accounts.aliases()
    return [_describe(folder, user, aliases) for user in users]


def _describe(folder: Folder, user: UserRecord, aliases: list[AliasRecord]) -> dict[str, Any]:
    messages, octets = _usage(folder, user.address)
    described: dict[str, Any] = {
        "address": user.address,
        "enabled": user.enabled,
        "messages": messages,
        "octets": octets,
        "quota_messages": user.quota_messages,
        "quota_octets": user.quota_octets,
        **asdict(folder.accounts.policies.of(user.address, default_of(folder))),
        "apop": user.secret is not None,
        "aliases": _leading_to(user.address, aliases),
        "created": datetime.fromtimestamp(user.created, UTC).isoformat(timespec="seconds"),
    }
    described["app_passwords"] = [
        one.name for one in folder.accounts.app_passwords.list(user.address)
    ]
    described["last_logins"] = [
        {
            "protocol": one.protocol,
            "address": one.host,
            "mechanism": one.mechanism,
            "at": datetime.fromtimestamp(one.at, UTC).isoformat(timespec="seconds"),
        }
        for one in folder.logins.last_logins(user.address)
    ]
    location = folder.mail.location(user.address)
    if location is not None:
        described[folder.store_kind] = str(location)
    return described


def _usage(folder: Folder, address: str) -> tuple[int | None, int | None]:
    try:
        usage = folder.mail.usage(address)
    except Refused as error:
        say(str(error))
        return None, None
    return usage.messages, usage.octets


def _leading_to(address: str, aliases: list[AliasRecord]) -> list[str]:
    """Return the aliases that lead to an address, through other aliases too."""
    reached = {address}
    found: list[str] = []
    while new := [a for a in aliases if a.address not in reached and reached & {*a.targets}]:
        reached |= {alias.address for alias in new}
        found += [alias.address for alias in new]
    return sorted(found)
