"""`pop3gw app-password`: further passwords of a user, one for each program or device."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from gateway.accounts.app_passwords import PROTOCOLS
from gateway.accounts.names import read_address
from gateway.admin.folder import Folder, pass_folder
from gateway.admin.output import json_option, show_list

_COLUMNS = {"name": "Name", "protocol": "Good for", "created": "Made"}


@click.group()
def command() -> None:
    """Further passwords, one for each device.

    Example: pop3gw app-password add anna@example.org phone
    """


@command.command()
@click.argument("address", metavar="USER@DOMAIN")
@click.argument("name")
@click.option("--protocol", type=click.Choice(PROTOCOLS), help="Good for this only.")
@pass_folder
def add(folder: Folder, address: str, name: str, protocol: str | None) -> None:
    """Make an app password and show it, this once.

    While a user has one, SCRAM is not announced to anybody: a program that uses SCRAM could not
    log in with an app password.

    Example: pop3gw app-password add anna@example.org scanner --protocol smtp
    """
    made = folder.accounts.app_passwords.add(address, name, protocol)
    if sys.stdout.isatty():
        click.echo(f"the app password {name!r} of {read_address(address).canonical}:", err=True)
    click.echo(made)
    if sys.stdout.isatty():
        click.echo("it cannot be shown again; blanks and hyphens in it do not count", err=True)


@command.command(name="list")
@click.argument("address", metavar="USER@DOMAIN")
@json_option
@pass_folder
def list_(folder: Folder, address: str, as_json: bool) -> None:
    """List the app passwords of a user; the passwords themselves are not kept.

    Example: pop3gw app-password list anna@example.org
    """
    items = [
        {
            "name": one.name,
            "protocol": one.protocol or "all",
            "created": datetime.fromtimestamp(one.created, UTC).isoformat(timespec="seconds"),
        }
        for one in folder.accounts.app_passwords.list(address)
    ]
    show_list(items, _COLUMNS, as_json)


@command.command()
@click.argument("address", metavar="USER@DOMAIN")
@click.argument("name")
@pass_folder
def revoke(folder: Folder, address: str, name: str) -> None:
    """Make an app password worthless. Sessions of the user are ended.

    Example: pop3gw app-password revoke anna@example.org phone
    """
    from gateway.admin.sessions import end_sessions

    folder.accounts.app_passwords.revoke(address, name)
    user = read_address(address).canonical
    end_sessions(folder, user)
    click.echo(f"revoked the app password {name!r} of {user}")
