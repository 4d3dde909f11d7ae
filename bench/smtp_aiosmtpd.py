"""Receives with aiosmtpd into Maildirs, as durably as the others, in a pool of threads.

Run: python bench/smtp_aiosmtpd.py FOLDER PORT CERTIFICATE. The handler for Maildirs that comes with
it syncs nothing.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.smtp_storing import make_mailboxes, store

THREADS = 20
MOST_OCTETS = 60_000_000


class Maildirs:
    """See aiosmtpd's documentation of handlers."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._number = 0
        self._threads = ThreadPoolExecutor(THREADS)

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:
        """Store a message before it is acknowledged."""
        self._number += 1
        mailboxes = [address.partition("@")[0] for address in envelope.rcpt_tos]
        arguments = (self._root, mailboxes, self._number, envelope.content)
        await asyncio.get_running_loop().run_in_executor(self._threads, store, *arguments)
        return "250 stored"


async def main(root: Path, port: int, certificate: Path) -> None:
    """Serve until killed."""
    make_mailboxes(root)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    handler = Maildirs(root)

    def session() -> SMTP:
        return SMTP(handler, hostname="bench.example", data_size_limit=MOST_OCTETS, tls_context=tls)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(session, "127.0.0.1", port, backlog=1000)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
