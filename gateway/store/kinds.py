"""The kinds of mail store there are. A further one is one more entry in `KINDS`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from twisted.internet.interfaces import IReactorTime

from gateway.events import EventStream
from gateway.shared.tally import SharedTally
from gateway.store.in_thread import InThread
from gateway.store.interfaces import IMailStore, IStoreAdministration
from gateway.store.maildir import MaildirAdministration, MaildirStore
from gateway.store.maildir.moving import MaildirEnd
from gateway.store.maildir.storers import storing_processes
from gateway.store.moving import StoreEnd
from gateway.store.sqlite import SQLiteAdministration, SQLiteStore
from gateway.store.sqlite.moving import SQLiteEnd
from gateway.store.takeover import Takeover


class Kind(NamedTuple):
    """How a kind of store is opened in a data folder."""

    open: Callable[..., IMailStore]
    """Takes the data folder, and by name what `open_store` takes by name."""
    administer: Callable[[Path], IStoreAdministration]
    end: Callable[[Path], StoreEnd]
    """Takes the data folder; for a conversion."""


def _open_maildir(data_root: Path, *, side_process: bool, **named: Any) -> IMailStore:
    root, spool = data_root / "mail", data_root / "spool"
    beside = None
    if side_process:
        beside = storing_processes(named["reactor"], root, spool, named["events"])
    return MaildirStore(root, spool, storing_processes=beside, **named)


def _open_sqlite(data_root: Path, *, side_process: bool, tally: object, **named: Any) -> IMailStore:
    del side_process  # it writes with a single thread
    del tally  # all workers ask the database
    store = SQLiteStore(data_root / "sqlite", **named)
    store.refuse_newer()
    return store


KINDS = {
    "maildir": Kind(
        _open_maildir,
        lambda data_root: MaildirAdministration(data_root / "mail"),
        lambda data_root: MaildirEnd(data_root / "mail", data_root / "spool"),
    ),
    "sqlite": Kind(
        _open_sqlite,
        lambda data_root: SQLiteAdministration(data_root / "sqlite"),
        lambda data_root: SQLiteEnd(data_root / "sqlite"),
    ),
}
"""By the name that `--store` takes."""


def open_store(
    kind: str,
    data_root: Path,
    *,
    in_thread: InThread,
    reactor: IReactorTime,
    events: EventStream | None = None,
    takeover: Takeover | None = None,
    tally: SharedTally | None = None,
    side_process: bool = False,
) -> IMailStore:
    """Open the mail store of a data folder.

    @param kind: a key of `KINDS`.
    @param in_thread: calls a function with arguments off the reactor thread.
    @param reactor: for waiting.
    @param events: where trouble is told.
    @param takeover: says which sessions have to give up their maildrop to another login.
    @param tally: where the workers of one gateway tell each other what they deliver.
    @param side_process: whether processes beside this one may store messages when several come at
        once, or a large one. For a reactor that runs, and `events` that are given.
    @return: the store; its `start` comes before anything else, and may block.
    @raise KeyError: there is no such kind.
    @raise StoreError: a later release has written it.
    """
    return KINDS[kind].open(
        data_root,
        in_thread=in_thread,
        reactor=reactor,
        events=events,
        takeover=takeover,
        tally=tally,
        side_process=side_process,
    )


def open_administration(kind: str, data_root: Path) -> IStoreAdministration:
    """Return what the `pop3gw` command asks of the store of a data folder.

    @raise KeyError: there is no such kind.
    """
    return KINDS[kind].administer(data_root)
