"""`pop3gw domain`: the domains that mail is received for."""

from __future__ import annotations

import click

from gateway.accounts.names import canonical_domain
from gateway.accounts.policies import POLICY_SETTINGS
from gateway.admin.folder import Folder, pass_folder
from gateway.admin.output import json_option, show_list
from gateway.admin.policy import set_for_domain
from gateway.admin.refusals import Refused


@click.group()
def command() -> None:
    """The domains that mail is received for.

    A domain is what stands after the @ of an address.

    Example: pop3gw domain add example.org
    """


@command.command()
@click.argument("domain")
@pass_folder
def add(folder: Folder, domain: str) -> None:
    """Receive mail for DOMAIN from now on.

    Example: pop3gw domain add example.org
    """
    name = folder.accounts.add_domain(domain)
    click.echo(f"added the domain {name}; next: pop3gw user add NAME@{name}")


@command.command()
@click.argument("domain")
@pass_folder
def remove(folder: Folder, domain: str) -> None:
    """Receive no more mail for DOMAIN. Refused while it has users or aliases.

    Example: pop3gw domain remove example.org
    """
    folder.accounts.remove_domain(domain)
    click.echo(f"removed the domain {canonical_domain(domain)}")


@command.command(name="list")
@click.argument("domain", required=False)
@json_option
@pass_folder
def list_(folder: Folder, domain: str | None, as_json: bool) -> None:
    """List the domains, or only DOMAIN.

    Says of each how many users and aliases it has.

    Example: pop3gw domain list
    """
    names = folder.accounts.domains()
    if domain is not None:
        wanted = canonical_domain(domain)
        if wanted not in names:
            raise Refused(f"the domain {wanted} is not served here; 'pop3gw domain list' shows all")
        names = [wanted]
    users = [user.address for user in folder.accounts.users()]
    aliases = [alias.address for alias in folder.accounts.aliases()]
    items = []
    for name in names:
        octets, messages = folder.accounts.domain_settings.quota(name)
        items.append(
            {
                "domain": name,
                "users": _count(users, name),
                "aliases": _count(aliases, name),
                "quota_octets": octets,
                "quota_messages": messages,
                "policies": folder.accounts.policies.of_domain(name),
            }
        )
    show_list(items, {"domain": "Domain", "users": "Users", "aliases": "Aliases"}, as_json)


@command.command(name="set")
@click.argument("domain")
@click.argument("key")
@click.argument("value")
@pass_folder
def set_(folder: Folder, domain: str, key: str, value: str) -> None:
    """Change a setting of DOMAIN.

    \b
    quota_octets         the most that all its mailboxes may hold, as in 20G; none: no limit
    quota_messages       the most messages in all of them together; none: no limit

    These are for its users; what is decided for a user wins, and "default" gives back what the
    configuration has:

    \b
    login_delay_seconds  the least time between two logins, as clients are told
    login_delay_hard     yes: a login that comes earlier is refused
    expire_days          the gateway deletes messages that are so old; never
    undelete_days        for so long 'pop3gw message undelete' brings back what was deleted
    keep                 yes: what is deleted is only hidden, and kept for ever

    Example: pop3gw domain set example.org quota_octets 20G
    """
    if key in POLICY_SETTINGS:
        set_for_domain(folder, domain, key, value)
        return
    record = folder.accounts.domain_settings.set(domain, key, value)
    now = getattr(record, key)
    click.echo(f"{record.name}: {key} is {'none' if now is None else now} now")


def _count(addresses: list[str], domain: str) -> int:
    return sum(address.rpartition("@")[2] == domain for address in addresses)
