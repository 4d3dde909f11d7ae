"""One message on its way from the network to the database or to a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure

from gateway.store.interfaces import MessageAttributes, StoredCopy, StoreError
from gateway.store.sqlite.errors import told_as_store_error
from gateway.store.sqlite.jobs import Delivery
from gateway.store.sqlite.large import ArrivingFile, LargeFiles
from gateway.store.uidl import check_uidl


class IncomingMessage:
    """What `MessageWriter` gives the octets to.

    @param submit: has a delivery written.
    """

    def __init__(
        self,
        attributes: MessageAttributes,
        large: LargeFiles,
        submit: Callable[[Delivery], None],
        in_thread: Callable[..., Deferred[Any]],
    ) -> None:
        self._attributes = attributes
        self._large = large
        self._submit = submit
        self._in_thread = in_thread
        self._file: ArrivingFile | None = None

    def add(self, blocks: Sequence[bytes]) -> Deferred[None]:
        """Have the next octets written to a file. Fails with `StoreError`."""
        return self._in_thread(self._write, blocks)

    def discard(self) -> None:
        """Give up what was written. Never raises."""
        self._in_thread(self._remove)

    def _write(self, blocks: Sequence[bytes]) -> None:
        with told_as_store_error("write a message to", "a file"):
            if self._file is None:
                self._file = self._large.create()
            for block in blocks:
                self._file.write(block)

    def _remove(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            try:
                file.discard()
            except OSError:
                # What is left goes when the next process starts.
                return

    def commit(
        self, blocks: Sequence[bytes], mailboxes: Sequence[str]
    ) -> Deferred[list[StoredCopy]]:
        """Store the message with these last octets. See `IMessageWriter.commit`."""
        try:
            check_uidl(self._attributes.uidl)
        except StoreError as error:
            self._drop()
            return fail(error)
        if not mailboxes:
            self._drop()
            return succeed([])
        if self._file is None:
            return self._hand_in(Delivery(mailboxes, self._attributes, whole(blocks)))
        finished = self._in_thread(self._finish, blocks, mailboxes)
        return finished.addCallback(self._hand_in).addErrback(self._refused)

    def _hand_in(self, delivery: Delivery) -> Deferred[list[StoredCopy]]:
        self._submit(delivery)
        return delivery.answer

    def _finish(self, blocks: Sequence[bytes], mailboxes: Sequence[str]) -> Delivery:
        self._write(blocks)
        file = self._file
        assert file is not None
        with told_as_store_error("write a message to", "a file"):
            file.finish()
        return Delivery(mailboxes, self._attributes, None, file)

    def _refused(self, failure: Failure) -> Deferred[Any]:
        return self._in_thread(self._remove).addCallback(lambda _: failure)

    def _drop(self) -> None:
        if self._file is not None:
            self.discard()


def whole(blocks: Sequence[bytes]) -> bytes:
    """Return the octets of a message, its last line ended."""
    content = b"".join(blocks)
    if content and not content.endswith(b"\r\n"):
        return content + b"\r\n"
    return content
