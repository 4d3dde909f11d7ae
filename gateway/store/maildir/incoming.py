"""One message on its way from the network to the disk. Blocks: not for a reactor thread."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from gateway.store.interfaces import MessageAttributes, StoredCopy, StoreError
from gateway.store.maildir.copies import store_copies
from gateway.store.maildir.errors import told_as_store_error
from gateway.store.maildir.folders import mailbox_folder
from gateway.store.maildir.names import NameMaker, is_uidl
from gateway.store.maildir.spool import Spool, SpoolFile
from gateway.wire.newlines import CanonicalSize, LFEncoder


class IncomingMessage:
    """Writes a message to the spool and then into mailboxes. One call at a time, in any thread."""

    def __init__(
        self, root: Path, spool: Spool, names: NameMaker, attributes: MessageAttributes
    ) -> None:
        self._root = root
        self._spool = spool
        self._names = names
        self._attributes = attributes
        self._file: SpoolFile | None = None
        self._file_octets = 0
        self._size = CanonicalSize()
        self._encoder = LFEncoder()

    @property
    def octets(self) -> int:
        """How large it is with CRLF line ends, once it is committed."""
        return self._size.octets

    def add(self, blocks: Sequence[bytes]) -> None:
        """Write the next octets, in canonical form. Raises `StoreError`."""
        with told_as_store_error("write a message to", "the spool"):
            self._write(self._open(), self._encoder.encode(b"".join(blocks)))

    def commit(self, blocks: Sequence[bytes], mailboxes: Sequence[str]) -> list[StoredCopy]:
        """Write the last octets, then store the message in all mailboxes, durably.

        @raise StoreError: it is stored in none.
        """
        wanted = self._attributes.uidl
        try:
            if not mailboxes:
                return []
            if wanted is not None and not is_uidl(wanted):
                raise StoreError(
                    f"{wanted!r} cannot be a unique-id: RFC 1939 section 7 allows 1 to 70"
                    " characters from 0x21 to 0x7E"
                )
            with told_as_store_error("write a message to", "the spool"):
                file = self._open()
                data = self._encoder.encode(b"".join(blocks)) + self._encoder.finish()
                self._write(file, data)
                self._size.finish()
                os.fsync(file.descriptor)
            base = self._names.make(self._file_octets, self._size.octets)
            folders = [mailbox_folder(self._root, mailbox) for mailbox in mailboxes]
            store_copies(file, base, folders, self._attributes)
            return [StoredCopy(mailbox, wanted or base) for mailbox in mailboxes]
        finally:
            self.discard()

    def discard(self) -> None:
        """Give up the spool file. Never raises."""
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError:
                # What is left in the spool goes when the next process starts.
                return

    def _open(self) -> SpoolFile:
        if self._file is None:
            self._file = self._spool.create()
        return self._file

    def _write(self, file: SpoolFile, data: bytes) -> None:
        file.write(data)
        self._size.feed(data)
        self._file_octets += len(data)
