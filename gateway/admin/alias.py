"""`pop3gw alias`: addresses that stand for others."""

from __future__ import annotations

import click

from gateway.admin.folder import Folder, pass_folder
from gateway.admin.output import json_option, show_list
from gateway.admin.refusals import say


@click.group()
def command() -> None:
    """Addresses that stand for others.

    Example: pop3gw alias add info@example.org anna@example.org ben@example.org
    """


@command.command()
@click.argument("address")
@click.argument("target", nargs=-1, required=True)
@pass_folder
def add(folder: Folder, address: str, target: tuple[str, ...]) -> None:
    """Bring what is sent to ADDRESS to each TARGET, a user or another alias.

    @example.org as ADDRESS is the catch-all: every address in example.org that is neither a user
    nor an alias. A TARGET added to an alias that exists comes to those it has. A TARGET that is
    not there yet can be added later.

    Example: pop3gw alias add info@example.org anna@example.org
    """
    alias = folder.accounts.add_alias(address, target)
    click.echo(f"{alias.address} leads to {', '.join(alias.targets)}")
    _warn_of_missing(folder, alias.targets)


def _warn_of_missing(folder: Folder, targets: tuple[str, ...]) -> None:
    aliases = {alias.address for alias in folder.accounts.aliases()}
    for target in targets:
        if target not in aliases and folder.accounts.user(target) is None:
            say(f"warning: there is no user {target} yet; next: pop3gw user add {target}")


@command.command()
@click.argument("address")
@pass_folder
def remove(folder: Folder, address: str) -> None:
    """Remove an alias. The users it leads to stay.

    Example: pop3gw alias remove info@example.org
    """
    changed = folder.accounts.remove_alias(address)
    click.echo(f"removed the alias {address.strip().lower()}")
    tell_changed(changed)


@command.command(name="list")
@json_option
@pass_folder
def list_(folder: Folder, as_json: bool) -> None:
    """List all aliases and where they lead.

    Example: pop3gw alias list
    """
    items = [
        {"address": alias.address, "targets": list(alias.targets)}
        for alias in folder.accounts.aliases()
    ]
    show_list(items, {"address": "Alias", "targets": "Leads to"}, as_json)


def tell_changed(aliases: list[str]) -> None:
    """Say which aliases no longer lead to an address that was removed."""
    if aliases:
        click.echo(f"taken out of these aliases, or removed with it: {', '.join(aliases)}")
