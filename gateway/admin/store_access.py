"""What the commands about the mail store share."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from gateway.admin.folder import Folder
from gateway.admin.refusals import Refused
from gateway.config_errors import one_line
from gateway.files import acting_as
from gateway.store.interfaces import MaildropInUse, StoreError
from gateway.store.sqlite.creation import ready_to_open
from gateway.store.sqlite.database import connect
from gateway.store.sqlite.layout import Layout
from gateway.store.sqlite.migration import require_known

Opening = Callable[[Path], sqlite3.Connection]


@contextmanager
def refusing_store() -> Iterator[None]:
    """Turn what a store refuses into `Refused`."""
    try:
        yield
    except MaildropInUse as error:
        raise Refused(f"{one_line(str(error))}; end the session, or try again later") from None
    except StoreError as error:
        raise Refused(one_line(str(error))) from None
    except sqlite3.Error as error:
        raise Refused(f"the database cannot be used: {one_line(str(error))}") from None


def layout_of(folder: Folder) -> Layout:
    """Return the layout of the data folder's embedded store. Raises `Refused`."""
    if folder.store_kind != "sqlite":
        raise Refused(
            f"this is for the store kind sqlite, and {folder.data.path} has {folder.store_kind}; "
            "docs/stores.md says how to care for Maildirs, and how to convert them"
        )
    return Layout(folder.data.path / "sqlite")


@contextmanager
def opened(layout: Layout) -> Iterator[sqlite3.Connection | None]:
    """Open a store's database; None where none was made yet. Raises `Refused`."""
    with refusing_store():
        if not ready_to_open(layout):
            yield None
            return
        with closing(connect(layout)) as connection:
            require_known(layout, connection)
            yield connection


@contextmanager
def as_owner(folder: Folder) -> Iterator[None]:
    """Run the block with the rights of the folder's owner, its refusals as `Refused`."""
    with acting_as(folder.data.owner()), refusing_store():
        yield


def require_no_gateway(folder: Folder) -> None:
    """Make sure that no gateway uses the folder. Raises `Refused`."""
    running = [str(answer.pid) for answer in folder.ask_gateways({"do": "listeners"})]
    if running:
        raise Refused(f"a gateway runs on this folder, process {', '.join(running)}: stop it first")
