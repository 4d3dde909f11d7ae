"""`pop3gw store`: where the mail is kept."""

from __future__ import annotations

import sys

import click

from gateway.admin.folder import Folder, pass_folder
from gateway.admin.output import counted, json_option, show_list
from gateway.admin.refusals import say
from gateway.admin.store_access import as_owner, layout_of, opened

_NOTHING = "no mail was stored yet"
_MUCH_DEAD = 0.25
_COLUMNS = {"address": "Mailbox", "messages": "Messages", "octets": "Octets"}


@click.group()
def command() -> None:
    """Look after the mail store: what is in it, is it whole.

    Example: pop3gw store info
    """


@command.command()
@json_option
@pass_folder
def info(folder: Folder, as_json: bool) -> None:
    """Show the octets of each user, and the room that the store takes.

    Example: pop3gw store info
    """
    from gateway.admin.store_info import describe

    with as_owner(folder):
        items, figures = describe(folder)
    if as_json:
        import json

        click.echo(json.dumps({**figures, "mailboxes": items}, indent=2))
        return
    show_list(items, _COLUMNS, as_json=False)
    if sys.stdout.isatty() or not items:
        for name, value in figures.items():
            click.echo(f"{name.replace('_', ' ')}: {value}")
    dead = figures.get("dead_octets", 0)
    if dead > _MUCH_DEAD * figures.get("database_octets", 0):
        say(
            f"{dead} octets of the database are free and will be used again; "
            "'pop3gw store compact' gives them back to the disk"
        )


@command.command()
@click.option("--repair", is_flag=True, help="Mend what can be mended.")
@click.pass_context
@pass_folder
def check(folder: Folder, ctx: click.Context, repair: bool) -> None:
    """Look whether the store is whole: database, references, every message's digest.

    May run while the gateway does. Exit status 1 where something is wrong that was not mended.

    Example: pop3gw store check --repair
    """
    from gateway.admin.store_check import run_check

    layout = layout_of(folder)
    with as_owner(folder), opened(layout) as connection:
        if connection is None:
            click.echo(_NOTHING)
            return
        if not run_check(layout, connection, repair=repair):
            ctx.exit(1)


@command.command()
@pass_folder
def compact(folder: Folder) -> None:
    """Give the room of deleted mail back to the disk; the gateway may run meanwhile.

    Not needed in daily use: the room is used again for new mail.

    Example: pop3gw store compact
    """
    from gateway.admin.progress import progress_bar
    from gateway.store.sqlite import figures

    with as_owner(folder), opened(layout_of(folder)) as connection:
        if connection is None:
            click.echo(_NOTHING)
            return
        with progress_bar("compacting", figures.free_pages(connection)) as advance:
            octets = figures.compact(connection, advance)
    click.echo(f"gave back {counted(octets, 'octet')}")


@command.command()
@click.argument("kind", type=click.Choice(["maildir", "sqlite"]))
@click.option("--remove-old", is_flag=True, help="Delete the store of the other kind, for good.")
@pass_folder
def convert(folder: Folder, kind: str, remove_old: bool) -> None:
    """Bring all mail into a store of another KIND, with unique-ids and order.

    The gateway must be stopped. If this is interrupted, run it again: it goes on where it was.
    The old store stays as it is until --remove-old is given, when the new one is in use.

    Example: pop3gw store convert sqlite
    """
    from gateway.admin.conversion import convert_store, remove_other

    with as_owner(folder):
        if remove_old:
            click.echo(remove_other(folder, kind))
        else:
            click.echo(convert_store(folder, kind))
