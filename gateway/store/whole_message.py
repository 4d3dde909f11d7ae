"""A message that was read as a whole already."""

from __future__ import annotations

from zope.interface import implementer

from gateway.store.interfaces import IMessageReader


@implementer(IMessageReader)
class WholeMessage:
    """Gives it out in one block. Who knows this class may take `content` and not read at all.

    @param content: all of it, in canonical form.
    """

    __slots__ = ("content",)

    def __init__(self, content: bytes) -> None:
        self.content = content

    def read(self) -> bytes:
        """See `IMessageReader.read`."""
        block, self.content = self.content, b""
        return block

    def close(self) -> None:
        """See `IMessageReader.close`."""
        self.content = b""
