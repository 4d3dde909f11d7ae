"""`pop3gw import maildir`: the messages of one Maildir into the mailbox of a user."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.accounts.names import read_address
from gateway.admin.folder import Folder, pass_folder
from gateway.admin.output import counted
from gateway.admin.refusals import Refused
from gateway.admin.store_access import as_owner

if TYPE_CHECKING:
    from gateway.store.maildir.listing import Listing


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.argument("address", metavar="USER@DOMAIN")
@pass_folder
def command(folder: Folder, path: Path, address: str) -> None:
    """Copy the messages of the Maildir PATH into the mailbox of a user.

    PATH stays as it is. Order, times and unique-ids are kept; those that are there already are
    left out, so it can be run again. Mail may be delivered and fetched meanwhile.

    Example: pop3gw import maildir old/anna anna@example.org
    """
    from gateway.admin.progress import progress_bar
    from gateway.store.maildir.build import list_mailbox
    from gateway.store.maildir.names import NameMaker
    from gateway.store.offline import offline_store

    name = read_address(address).canonical
    if folder.accounts.user(name) is None:
        raise Refused(f"there is no user {name}; next: pop3gw user add {name}")
    if not (path / "cur").is_dir() or not (path / "new").is_dir():
        raise Refused(f"{path} is no Maildir: it has no folders cur and new")
    copied = 0
    with as_owner(folder):
        listing = list_mailbox(path, NameMaker(), owned=False)
        with (
            offline_store(folder.store_kind, folder.data.path) as store,
            progress_bar("importing", len(listing)) as advance,
        ):
            with store.maildrop(name) as held:
                there = set(held.maildrop.snapshot.uidls)
            for index, uidl in enumerate(listing.snapshot.uidls):
                if uidl not in there:
                    attributes = replace(listing.attributes(index), uidl=uidl)
                    store.put(name, attributes, _blocks(listing, index))
                    copied += 1
                advance()
            store.flush()
    left_out = len(listing) - copied
    there_already = f"; {counted(left_out, 'message')} were there already" if left_out else ""
    click.echo(f"imported {counted(copied, 'message')} into {name}{there_already}")


def _blocks(listing: Listing, index: int) -> Iterator[bytes]:
    from gateway.store.maildir.reader import open_reader

    path = listing.path(index)
    octets = listing.snapshot.sizes[index]
    reader = open_reader(path, Path(path).stat().st_size, octets, lambda: None)
    try:
        while block := reader.read():
            yield block
    finally:
        reader.close()
