"""`pop3gw export`: the mail of one user, for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.accounts.names import read_address
from gateway.admin.folder import Folder, pass_folder
from gateway.admin.output import counted
from gateway.admin.refusals import Refused
from gateway.admin.store_access import as_owner


@click.command()
@click.argument("address", metavar="USER@DOMAIN")
@click.argument("form", metavar="maildir|mbox", type=click.Choice(["maildir", "mbox"]))
@click.argument("path", type=click.Path(path_type=Path))
@pass_folder
def command(folder: Folder, address: str, form: str, path: Path) -> None:
    """Write all mail of a user to a new Maildir or mbox file.

    PATH must not exist yet; nothing is deleted. A Maildir keeps the unique-ids, for
    'pop3gw import maildir'. Mail can be delivered meanwhile, but not fetched by the user.

    Example: pop3gw export anna@example.org mbox anna.mbox
    """
    from gateway.admin.export_files import MaildirExport, MboxExport
    from gateway.admin.progress import progress_bar
    from gateway.store.offline import offline_store

    name = read_address(address).canonical
    if path.exists():
        raise Refused(f"{path} exists already; name a new one")
    if folder.accounts.user(name) is None and not folder.mail.exists(name):
        raise Refused(f"there is no user {name}, and no mail of one")
    export = MaildirExport(path) if form == "maildir" else MboxExport(path)
    with (
        as_owner(folder),
        offline_store(folder.store_kind, folder.data.path) as store,
        store.maildrop(name) as held,
        export,
    ):
        snapshot = held.maildrop.snapshot
        with progress_bar("exporting", len(snapshot)) as advance:
            for index, uidl in enumerate(snapshot.uidls):
                export.add(b"".join(held.blocks(index)), held.maildrop.attributes(index), uidl)
                advance()
        count = len(snapshot)
    click.echo(f"wrote {counted(count, 'message')} to {path}")
