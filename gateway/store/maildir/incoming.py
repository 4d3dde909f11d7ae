"""One message on its way from the network to the disk. Blocks: not for a reactor thread."""

from __future__ import annotations

import os
from collections.abc import Sequence

from gateway.store.disk_errors import told_as_store_error
from gateway.store.interfaces import MessageAttributes
from gateway.store.maildir.names import NameMaker
from gateway.store.maildir.spool import Spool, SpoolFile
from gateway.wire.newlines import LFEncoder

# Not everywhere: there a message goes to the disk when it is synced, and not earlier.
_ADVISE = getattr(os, "posix_fadvise", None)


class IncomingMessage:
    """Writes a message to the spool. One call at a time, in any thread.

    @raise StoreError: from any method but `discard`.
    """

    def __init__(self, spool: Spool, names: NameMaker, attributes: MessageAttributes) -> None:
        self.attributes = attributes
        self._spool = spool
        self._names = names
        self._file: SpoolFile | None = None
        self._file_octets = 0
        self._encoder = LFEncoder()

    @property
    def octets(self) -> int:
        """How large it is with CRLF line ends, once `finish` was called."""
        return self._encoder.size.octets

    @property
    def file(self) -> SpoolFile:
        """Where it lies, once `finish` was called."""
        assert self._file is not None
        return self._file

    def add(self, blocks: Sequence[bytes]) -> None:
        """Write the next octets, in canonical form."""
        with told_as_store_error("write a message to", "the spool"):
            self._write(self._encoder.encode(b"".join(blocks)))

    def finish(self, blocks: Sequence[bytes]) -> None:
        """Write the last octets."""
        with told_as_store_error("write a message to", "the spool"):
            self._write(self._encoder.encode(b"".join(blocks)) + self._encoder.finish())

    def begin_sync(self) -> None:
        """Have the disk begin to write, so that `sync` waits less: no promise.

        The file system then gives all messages of a group their blocks before the first is
        synced, and so that one commit of its journal serves all of them.
        """
        if _ADVISE is not None:
            with told_as_store_error("write a message to", "the spool"):
                _ADVISE(self.file.descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    def sync(self) -> None:
        """Wait until it is on stable storage."""
        with told_as_store_error("write a message to", "the spool"):
            os.fsync(self.file.descriptor)

    def name(self) -> str:
        """Make the base name of its copies."""
        return self._names.make(self._file_octets, self.octets)

    def discard(self) -> None:
        """Give up the spool file; copies stay. Never raises."""
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError:
                # What is left in the spool goes when the next process starts.
                return

    def _write(self, data: bytes) -> None:
        if self._file is None:
            self._file = self._spool.create()
        self._file.write(data)
        self._file_octets += len(data)
