"""The octets of one message, in canonical form."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from zope.interface import implementer

from gateway.store.disk_errors import storage_error
from gateway.store.interfaces import IMessageReader, StoreError
from gateway.store.maildir.sizes import BLOCK, OPEN_MESSAGE
from gateway.store.whole_message import WholeMessage
from gateway.wire.newlines import CRLFEncoder


class SizeMismatch(StoreError):
    """The file does not hold what the snapshot says."""


def open_reader(
    path: str, file_octets: int, octets: int, on_mismatch: Callable[[], None]
) -> MessageReader | WholeMessage:
    """Open a message file.

    A message below 64 KiB is read at once, so that all that can be wrong with it is known before
    the client is told that it comes.

    @param file_octets: the size that the file had when it was listed.
    @param octets: the canonical size in the snapshot.
    @param on_mismatch: called when reading finds out that this is not what the file holds.
    @raise FileNotFoundError: it is not there.
    @raise SizeMismatch: it has changed.
    @raise StoreError: it cannot be read.
    """
    try:
        descriptor = os.open(path, OPEN_MESSAGE)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise storage_error("read", path, error) from error
    if file_octets < BLOCK:
        return _read_whole(path, descriptor, file_octets, octets)
    reader = MessageReader(path, descriptor, octets, on_mismatch)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise StoreError(f"cannot read {path}: it is not a file")
        if status.st_size != file_octets:
            raise SizeMismatch(f"{path} has changed since it was listed")
    except BaseException:
        reader.close()
        raise
    return reader


def _read_whole(path: str, descriptor: int, file_octets: int, octets: int) -> WholeMessage:
    """Read all of a small message, and close its file."""
    try:
        # One octet more shows whether the file has grown.
        block = os.read(descriptor, file_octets + 1)
    except OSError as error:
        raise storage_error("read", path, error) from error
    finally:
        os.close(descriptor)
    encoder = CRLFEncoder()
    changed = len(block) != file_octets
    block = encoder.encode(block) + encoder.finish()
    if changed or len(block) != octets:
        raise SizeMismatch(f"{path} has changed since it was listed")
    return WholeMessage(block)


@implementer(IMessageReader)
class MessageReader:
    """Reads on the calling thread, a block at a time."""

    def __init__(
        self, path: str, descriptor: int, octets: int, on_mismatch: Callable[[], None]
    ) -> None:
        self._path = path
        self._descriptor = descriptor
        self._left = octets
        self._on_mismatch = on_mismatch
        self._encoder = CRLFEncoder()

    def read(self) -> bytes:
        """See `IMessageReader.read`. Raises `StoreError`."""
        if self._descriptor < 0:
            if self._left:
                raise StoreError(f"{self._path} was closed before it was read to its end")
            return b""
        block = self._encoder.encode(self._read_file(BLOCK))
        at_end = not block
        if at_end:
            block = self._encoder.finish()
        self._left -= len(block)
        if self._left < 0 or (at_end and self._left):
            self._on_mismatch()
            raise SizeMismatch(f"{self._path} has changed since it was listed")
        if at_end:
            self.close()
        return block

    def close(self) -> None:
        """See `IMessageReader.close`."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _read_file(self, octets: int) -> bytes:
        try:
            return os.read(self._descriptor, octets)
        except OSError as error:
            raise storage_error("read", self._path, error) from error
