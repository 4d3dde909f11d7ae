"""`pop3gw backup`: a copy of the data folder, made while mail flows."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.admin.folder import Folder, pass_folder
from gateway.admin.output import counted
from gateway.admin.refusals import Refused
from gateway.admin.store_access import layout_of, opened, refusing_store


@click.command()
@click.argument("words", nargs=-1, metavar="[verify] FOLDER")
@click.pass_context
@pass_folder
def command(folder: Folder, ctx: click.Context, words: tuple[str, ...]) -> None:
    """Copy the data folder into FOLDER, while mail flows.

    Mail, accounts and certificates are copied, as they are at one instant. A later run into the
    same folder copies only what is new or changed. With the word "verify" before it, an existing
    copy is opened and every message's digest is compared. Exit status 0: done, 1: not done, or
    the copy is not whole; for cron.

    Example: pop3gw backup /srv/backup/mail
    """
    if len(words) == 1:
        _back_up(folder, Path(words[0]).absolute())
    elif len(words) == 2 and words[0] == "verify":
        _verify(ctx, Path(words[1]).absolute())
    else:
        raise click.UsageError("name one folder: pop3gw backup [verify] FOLDER")


def _back_up(folder: Folder, target: Path) -> None:
    from gateway.admin.backup_folder import copy_the_rest, make_ready
    from gateway.admin.progress import progress_bar
    from gateway.store.sqlite.backup import Backup
    from gateway.store.sqlite.layout import Layout

    source = layout_of(folder)
    make_ready(folder.data, target)
    with refusing_store():
        with opened(source) as connection:
            if connection is None:
                raise Refused("no mail was stored yet: start the gateway first")
        with (
            Backup(source, Layout(target / "sqlite")).opened() as backup,
            progress_bar("copying", backup.bodies) as advance,
        ):
            copied = backup.run(advance)
    copy_the_rest(folder.data, target)
    click.echo(
        f"copied {counted(copied.messages, 'message')}, {counted(copied.octets, 'octet')}, "
        f"in {counted(copied.mailboxes, 'mailbox')} that changed"
    )


def _verify(ctx: click.Context, target: Path) -> None:
    from gateway.admin.backup_folder import require_backup
    from gateway.admin.store_check import run_check
    from gateway.store.sqlite.layout import Layout

    require_backup(target)
    layout = Layout(target / "sqlite")
    with opened(layout) as connection:
        if connection is None:
            raise Refused(f"{target} holds no mail store")
        if not run_check(layout, connection, repair=False):
            ctx.exit(1)
