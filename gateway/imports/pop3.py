"""A mailbox of any server that is reached over POP3: Cyrus, Dovecot, Exchange, a provider's."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from gateway.imports.messages import MessageUnreadable, SourceMessage, source_message
from gateway.imports.pop3_client import POP3Client, RefusedByServer
from gateway.wire.newlines import CRLFEncoder

NO_UIDL = "the old server has no unique-ids"


def read_mailbox(client: POP3Client, name: str) -> list[SourceMessage]:
    """Return the messages of a maildrop in the order of the server.

    They are fetched as they are read; nothing is deleted. When each arrived, its header tells.

    @param client: logged in.
    @param name: what tells this maildrop from all others.
    @raise SourceError: the server does not answer as POP3 has it.
    """
    sizes = client.sizes()
    try:
        uidls = client.uidls()
    except RefusedByServer:
        uidls = {}
    return [
        source_message(
            f"{name} {uidls[number]}" if number in uidls else f"{name} #{number}:{sizes[number]}",
            uidls.get(number),
            None,
            partial(_read, client, number),
            none_because=NO_UIDL,
        )
        for number in sorted(sizes)
    ]


def _read(client: POP3Client, number: int) -> Iterator[bytes]:
    try:
        blocks = client.retrieve(number)
    except RefusedByServer as error:
        raise MessageUnreadable(str(error)) from error
    # There are servers that end lines with LF alone.
    encoder = CRLFEncoder()
    for block in blocks:
        yield encoder.encode(block)
    yield encoder.finish()
