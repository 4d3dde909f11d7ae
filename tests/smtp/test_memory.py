"""Many messages half sent, into a real Maildir store: what is held is bounded and counted."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from gateway.delivery.office import OfficeDelivery
from tests.delivery.parts import ENTRIES, MemoryDirectory
from tests.smtp.server import BEGUN, GREETED, Server
from tests.store.maildir_place import MaildirPlace

CONNECTIONS = 60
ALL_TOGETHER = 250_000
ONE_CONNECTION = 14_000
"""Octets of a session, its transport in memory and its spool file: generously."""
HEADER = b"Subject: x\r\n\r\n"
LINES = (b"x" * 76 + b"\r\n") * 8
HALF_MESSAGES = {
    "body": [HEADER, *[LINES] * 90],
    "one field": [b"Subject: ", *[b"y" * 600] * 90],
    "folded field": [b"Subject: ", *[(b"y" * 60 + b"\r\n\t") * 10] * 90],
    "many fields": [b"X-Field: y\r\n" * 50] * 90,
    "one segment": [HEADER + LINES * 90],
}


COMMANDS = {"DATA": b"DATA\r\n", "BDAT": b"BDAT 1000000\r\n"}


@pytest.mark.parametrize(
    ("half", "command"), [*((half, "DATA") for half in HALF_MESSAGES), ("body", "BDAT")]
)
def test_what_is_held_is_bounded(tmp_path: Path, half: str, command: str) -> None:
    place = MaildirPlace(tmp_path, memory_octets=ALL_TOGETHER)
    delivery = OfficeDelivery(MemoryDirectory(ENTRIES), place.store, hostname="mail.example.com")
    server = Server(delivery=delivery)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    clients = [server.connect() for _ in range(CONNECTIONS)]
    for client in clients:
        client.say(GREETED + BEGUN + COMMANDS[command])
        for segment in HALF_MESSAGES[half]:
            client.protocol.dataReceived(segment)
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    sent = sum(map(len, HALF_MESSAGES[half]))
    assert sent * CONNECTIONS > 8 * ALL_TOGETHER
    assert place.store._memory.octets <= ALL_TOGETHER + 65_536
    assert after - before < ALL_TOGETHER + 65_536 + CONNECTIONS * ONE_CONNECTION
    for client in clients:
        client.lose()
    assert place.store._memory.octets == 0
    server.check_clean()
    place.close()
