"""`pop3gw restore`: a data folder from a backup."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex

import click

from gateway.admin.folder import Folder, pass_folder
from gateway.admin.output import counted
from gateway.admin.refusals import Refused
from gateway.admin.store_access import opened, refusing_store


@click.command()
@click.argument("source", metavar="FOLDER", type=click.Path(path_type=Path))
@pass_folder
def command(folder: Folder, source: Path) -> None:
    """Make a new data folder from the backup in FOLDER.

    The data folder must be empty, or not there yet. Messages keep their unique-ids: a client
    that fetched them before the backup fetches none again. What is stored from now on gets ids
    that were never given out, whatever was lost.

    Example: pop3gw restore /srv/backup/mail
    """
    from gateway.admin.backup_folder import require_backup, sync_tree
    from gateway.admin.progress import progress_bar
    from gateway.files import sync_file

    target = folder.data.path
    require_backup(source)
    if target.exists() and any(target.iterdir()):
        raise Refused(f"{target} is not empty: name another data folder with --data")
    files = [path for path in source.rglob("*") if path.is_file()]
    new = target.with_name(f".{target.name}.{token_hex(4)}")
    try:
        with progress_bar("restoring", len(files)) as advance:
            _copy(source, new, advance)
        messages = _begin_epoch(new)
        _own(new, target)
        if target.exists():
            target.rmdir()
        sync_tree(new)
        new.rename(target)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    sync_file(target.parent)
    click.echo(f"restored {counted(messages, 'message')} to {target}")


def _copy(source: Path, new: Path, advance: Callable[[], object]) -> None:
    def copy(path: str, target: str) -> str:
        advance()
        return str(shutil.copy2(path, target))

    new.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, new, copy_function=copy)
    new.chmod(0o700)


def _begin_epoch(new: Path) -> int:
    """Have all unique-ids from now on differ from those given out after the backup."""
    from gateway.store.sqlite.backup import drop_leftovers
    from gateway.store.sqlite.creation import begin_epoch, complete
    from gateway.store.sqlite.database import transaction
    from gateway.store.sqlite.layout import Layout

    layout = Layout(new / "sqlite")
    with refusing_store(), opened(layout) as connection:
        if connection is None:
            raise Refused("the backup holds no mail store")
        complete(layout)
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        with transaction(connection):
            leftovers = drop_leftovers(connection)
            begin_epoch(connection)
        for name in leftovers:
            layout.large_file(name).unlink(missing_ok=True)
        return int(connection.execute("SELECT count(*) FROM messages").fetchone()[0])


def _own(new: Path, target: Path) -> None:
    """Give what root made to the owner of the data folder, where there is one."""
    if os.geteuid() != 0 or not target.exists():
        return
    status = target.stat()
    for path in (new, *new.rglob("*")):
        os.chown(path, status.st_uid, status.st_gid, follow_symlinks=False)
