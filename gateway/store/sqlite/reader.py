"""The octets of one message."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from zope.interface import implementer

from gateway.store.disk_errors import storage_error
from gateway.store.interfaces import IMessageReader, MessageGone
from gateway.store.sqlite.errors import Damaged
from gateway.store.sqlite.layout import Layout
from gateway.store.whole_message import WholeMessage

BLOCK = 65_536

_CONTENT = (
    "SELECT content FROM messages LEFT JOIN contents USING (number)"
    " WHERE mailbox = ? AND place = ? AND messages.number = ?"
)
_RUN = (
    "SELECT place, messages.number, content FROM messages LEFT JOIN contents USING (number)"
    " WHERE mailbox = ? AND (place, messages.number) >= (?, ?)"
    " ORDER BY place, messages.number LIMIT ?"
)
_FILE = "SELECT name FROM files WHERE number = ?"


def open_body(
    connection: sqlite3.Connection, layout: Layout, key: tuple[int, int, int], octets: int
) -> WholeMessage | FileReader:
    """Open the body of a message.

    @param key: mailbox, place and number.
    @param octets: its size in the snapshot.
    @raise MessageGone: another program deleted the message.
    @raise StoreError: its body is missing, damaged, or cannot be read.
    """
    row = connection.execute(_CONTENT, key).fetchone()
    if row is None:
        raise MessageGone(f"message {key[2]} was deleted by another program")
    content = row[0]
    if content is not None:
        if len(content) != octets:
            raise Damaged(f"message {key[2]} has {len(content)} octets, not {octets}")
        return WholeMessage(content)
    row = connection.execute(_FILE, (key[2],)).fetchone()
    if row is None:
        raise Damaged(f"the body of message {key[2]} is missing")
    return FileReader(layout.large_file(row[0]), octets)


def read_run(
    connection: sqlite3.Connection, key: tuple[int, int, int], count: int
) -> list[tuple[int, int, bytes | None]]:
    """Read several messages of a mailbox that follow one another.

    @param key: mailbox, place and number of the first.
    @return: of each place, number and body; None for a body that is not in the database.
    """
    return connection.execute(_RUN, (*key, count)).fetchall()


@implementer(IMessageReader)
class FileReader:
    """Reads a file on the calling thread, a block at a time."""

    def __init__(self, path: Path, octets: int) -> None:
        self._path = path
        self._left = octets
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            raise Damaged(f"the body of a message is missing: {path}") from None
        except OSError as error:
            raise storage_error("read", path, error) from error
        size = os.fstat(self._descriptor).st_size
        if size != octets:
            self.close()
            raise Damaged(f"{path} has {size} octets, not {octets}")

    def read(self) -> bytes:
        """See `IMessageReader.read`. Raises `StoreError`."""
        if not self._left:
            return b""
        if self._descriptor < 0:
            raise Damaged(f"{self._path} was closed before it was read to its end")
        try:
            block = os.read(self._descriptor, min(BLOCK, self._left))
        except OSError as error:
            raise storage_error("read", self._path, error) from error
        if not block:
            raise Damaged(f"{self._path} lacks {self._left} octets at its end")
        self._left -= len(block)
        if not self._left:
            self.close()
        return block

    def close(self) -> None:
        """See `IMessageReader.close`."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
