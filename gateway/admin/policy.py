"""What `pop3gw user set` and `pop3gw domain set` decide about mailboxes."""

from __future__ import annotations

import click

from gateway.accounts.names import canonical_domain, read_address
from gateway.accounts.policies import POLICY_SETTINGS, MailboxPolicy
from gateway.admin.folder import Folder
from gateway.admin.refusals import Refused

_NEED_KEEPING = frozenset({"keep", "undelete_days", "expire_days"})


def default_of(folder: Folder) -> MailboxPolicy:
    """Return what the configuration decides. Raises `ConfigError`."""
    if not folder.configured:
        return MailboxPolicy()
    return MailboxPolicy(**folder.settings.pop3.model_dump(include=set(POLICY_SETTINGS)))


def set_for_user(folder: Folder, address: str, key: str, value: str) -> None:
    """Decide something for a user, and say what holds now."""
    _refuse_impossible(folder, key)
    folder.accounts.policies.set_for_user(address, key, value)
    name = read_address(address).canonical
    policy = folder.accounts.policies.of(name, default_of(folder))
    click.echo(f"{name}: {key} is {_shown(getattr(policy, key))} now")


def set_for_domain(folder: Folder, domain: str, key: str, value: str) -> None:
    """Decide something for a domain, and say what holds now."""
    _refuse_impossible(folder, key)
    folder.accounts.policies.set_for_domain(domain, key, value)
    name = canonical_domain(domain)
    policy = folder.accounts.policies.of(f"@{name}", default_of(folder))
    click.echo(f"{name}: {key} is {_shown(getattr(policy, key))} now")


def _refuse_impossible(folder: Folder, key: str) -> None:
    if key in _NEED_KEEPING and not folder.mail.keeps():
        raise Refused(f"the mail store of the kind {folder.store_kind!r} does not have {key}")


def _shown(value: bool | int) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
