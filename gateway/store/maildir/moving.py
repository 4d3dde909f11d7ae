"""Maildirs as an end of a conversion."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from gateway.files import sync_folder
from gateway.store.disk_errors import told_as_store_error
from gateway.store.folders import make_folder
from gateway.store.interfaces import MessageAttributes, StoreError
from gateway.store.lock import held
from gateway.store.maildir import aside, records
from gateway.store.maildir.administration import MaildirAdministration
from gateway.store.maildir.build import list_mailbox
from gateway.store.maildir.copies import NO_LINK, place
from gateway.store.maildir.folders import mailbox_folder, make_mailbox
from gateway.store.maildir.incoming import IncomingMessage
from gateway.store.maildir.names import NameMaker, base_name, place_by_time, time_of_place
from gateway.store.maildir.reader import SizeMismatch, open_reader
from gateway.store.maildir.sizes import count
from gateway.store.maildir.spool import Spool
from gateway.store.maildir.storing import Storing, store_all
from gateway.store.moving import KeptMessage, Read, blocks_of

MOST_MESSAGES = 200
"""How many messages wait, each with an open file, until they are stored together."""
_Ordered = tuple[str, KeptMessage]
"""By what it has its place in the order, and a message."""


class MaildirEnd:
    """See `StoreEnd`. Its places are paths and sizes of files, its bodies devices and inodes.

    @param root: the folder with a folder for each domain.
    @param spool: where messages lie before they are in a mailbox.
    """

    def __init__(self, root: Path, spool: Path) -> None:
        self._root = root
        self._spool = Spool(spool)
        self._names = NameMaker()
        self._storing: list[tuple[Storing, Hashable]] = []
        self._changed: set[Path] = set()
        self._distrusted: dict[Path, set[str]] = {}
        self._paths: dict[Hashable, Path] = {}
        """Of a file here, by the body at the other end."""

    @contextmanager
    def opened(self) -> Iterator[None]:
        """See `StoreEnd.opened`."""
        with told_as_store_error("make the folder", self._root):
            make_folder(self._root)
        self._spool.start()
        try:
            yield
        finally:
            for one, _ in self._storing:
                one.message.discard()
            self._spool.stop()

    def mailboxes(self) -> list[str]:
        """See `StoreEnd.mailboxes`."""
        return MaildirAdministration(self._root).mailboxes()

    def count(self, mailbox: str) -> int:
        """See `StoreEnd.count`."""
        folder = mailbox_folder(self._root, mailbox)
        with told_as_store_error("read the mailbox", folder):
            return sum(len(os.listdir(folder / name)) for name in ("new", "cur"))  # noqa: PTH208

    @contextmanager
    def holding(self, mailbox: str) -> Iterator[None]:
        """See `StoreEnd.holding`."""
        folder = mailbox_folder(self._root, mailbox)
        with told_as_store_error("make the mailbox", folder):
            make_mailbox(folder)
        with held(folder, mailbox):
            yield

    def messages(self, mailbox: str) -> list[KeptMessage]:
        """See `StoreEnd.messages`."""
        folder = mailbox_folder(self._root, mailbox)
        with told_as_store_error("read the mailbox", folder):
            found = [*self._shown(folder), *_aside(folder)]
        found.sort(key=lambda one: one[0])
        return [message for _, message in found]

    def _shown(self, folder: Path) -> Iterator[_Ordered]:
        distrusted = self._distrusted.get(folder, ())
        listing = list_mailbox(folder, self._names, distrusted=distrusted, owned=True)
        sizes, uidls = listing.snapshot.sizes, listing.snapshot.uidls
        for index, (octets, uidl) in enumerate(zip(sizes, uidls, strict=True)):
            order = listing.place(index)
            given = listing.records.get(listing.base(index), MessageAttributes())
            arrived = given.arrived or time_of_place(order)
            attributes = MessageAttributes(arrived, uidl, given.smtputf8, given.requiretls)
            path = listing.path(index)
            status = os.stat(path)  # noqa: PTH116  (half the time)
            yield order, _kept(path, status, attributes, octets, None)

    def read(self, message: KeptMessage) -> Iterator[bytes]:
        """See `StoreEnd.read`."""
        path, file_octets = message.place
        distrust = partial(self._distrust, path)
        try:
            try:
                reader = open_reader(path, file_octets, message.octets, distrust)
            except SizeMismatch:
                distrust()
                reader = open_reader(path, *count(path), distrust)
        except FileNotFoundError:
            raise StoreError(f"{path} was removed by another program: run this again") from None
        yield from blocks_of(reader)

    def _distrust(self, path: str) -> None:
        """The name of a file lies about its size: have it counted at the next look."""
        folder = Path(path).parent.parent
        self._distrusted.setdefault(folder, set()).add(base_name(Path(path).name))

    def kept_until(self, until: float) -> float:
        """See `StoreEnd.kept_until`."""
        return aside.kept_until(until)

    def put(self, mailbox: str, message: KeptMessage, read: Read) -> None:
        """See `StoreEnd.put`."""
        folder = mailbox_folder(self._root, mailbox)
        if message.body is not None and any(body == message.body for _, body in self._storing):
            self.flush()
        if message.body in self._paths and self._link(folder, message):
            return
        incoming = IncomingMessage(self._spool, self._names, message.attributes)
        try:
            for block in read():
                incoming.add((block,))
            if message.until is not None:
                self._put_aside(folder, message, incoming)
                return
        except BaseException:
            incoming.discard()
            raise
        self._storing.append((Storing(incoming, (), (mailbox,)), message.body))
        if len(self._storing) >= MOST_MESSAGES:
            self.flush()

    def _put_aside(self, folder: Path, message: KeptMessage, incoming: IncomingMessage) -> None:
        incoming.finish(())
        incoming.sync()
        base = incoming.name()
        with told_as_store_error("store a message in", folder):
            subfolder = self._subfolder_of(folder, message)
            within = str(subfolder.relative_to(folder))
            place(incoming.file, base, folder, message.attributes, within)
        incoming.discard()
        self._note(message.body, subfolder / base)

    def _link(self, folder: Path, message: KeptMessage) -> bool:
        """Make one more name for a file that is here. Return False where that cannot be."""
        there = self._paths[message.body]
        with told_as_store_error("store a message in", folder):
            subfolder = self._subfolder_of(folder, message)
            base = self._names.make(there.stat().st_size, message.octets)
            records.append(folder, {base: message.attributes})
            try:
                (subfolder / base).hardlink_to(there)
            except OSError as error:
                if error.errno not in NO_LINK:
                    raise
                return False
        return True

    def note(self, message: KeptMessage, here: KeptMessage) -> None:
        """See `StoreEnd.note`."""
        self._note(message.body, Path(here.place[0]))

    def _note(self, body: Hashable, path: Path) -> None:
        if body is not None:
            self._paths[body] = path

    def _subfolder_of(self, folder: Path, message: KeptMessage) -> Path:
        """Return where a message belongs; what is put there is durable by the next `flush`."""
        if message.until is None:
            subfolder = folder / "new"
        else:
            subfolder = aside.folder_until(folder, message.until)
            make_folder(subfolder)
        self._changed.add(subfolder)
        return subfolder

    def remove(self, mailbox: str, messages: Sequence[KeptMessage]) -> None:
        """See `StoreEnd.remove`."""
        folder = mailbox_folder(self._root, mailbox)
        with told_as_store_error("remove messages of", folder):
            paths = [Path(message.place[0]) for message in messages]
            for path in paths:
                path.unlink(missing_ok=True)
            for subfolder in {path.parent for path in paths}:
                sync_folder(subfolder)

    def flush(self) -> None:
        """See `StoreEnd.flush`."""
        storing, self._storing = self._storing, []
        for outcome in store_all(self._root, [one for one, _ in storing]):
            if isinstance(outcome, Exception):
                raise outcome
        for one, body in storing:
            assert one.copies is not None
            self._note(body, one.copies.folders[0] / "new" / one.copies.base)
        changed, self._changed = self._changed, set()
        with told_as_store_error("write to", self._root):
            for subfolder in changed:
                sync_folder(subfolder)


def _kept(
    path: str,
    status: os.stat_result,
    attributes: MessageAttributes,
    octets: int,
    until: float | None,
) -> KeptMessage:
    body = (status.st_dev, status.st_ino) if status.st_nlink > 1 else None
    return KeptMessage(attributes, octets, until, body, (path, status.st_size))


def _aside(folder: Path) -> Iterator[_Ordered]:
    """Yield what was deleted and is still kept."""
    files = sorted(aside.files(folder))
    index = records.load(folder) if files else {}
    given: set[str] = set()
    for until, path in files:
        base = base_name(path.name)
        status = path.stat()
        arrived = aside.arrival(base, index, status)
        uidl: str | None = aside.unique_id_of(base, index)
        if uidl in given:
            uidl = None  # that of a message which was deleted before
        else:
            given.add(str(uidl))
        octets = count(str(path))[1]
        attributes = replace(index.get(base, MessageAttributes()), arrived=arrived, uidl=uidl)
        order = place_by_time(arrived, base)
        yield order, _kept(str(path), status, attributes, octets, until)
