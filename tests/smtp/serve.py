"""Serves SMTP and LMTP from real sockets: `python -m tests.smtp.serve FOLDER`.

Makes a certificate in FOLDER, prints the two ports, and on SIGTERM writes what was stored to
FOLDER/mailboxes.json (octets as latin-1).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import Portal
from twisted.internet import reactor as _reactor
from twisted.python import log

from gateway.accounts.realm import MailRealm
from gateway.delivery.office import OfficeDelivery
from gateway.events import EventStream
from gateway.net.local_ca import LocalCA
from gateway.net.tls import ServerTLS
from gateway.smtp import LMTPFactory, SMTPFactory, SMTPPolicy
from tests.delivery.parts import ENTRIES, MemoryDirectory, MemoryStore


def main(folder: Path) -> None:
    reactor: Any = _reactor
    log.startLogging(sys.stderr, setStdout=False)
    authority = LocalCA.open(folder / "ca.pem", folder / "ca-key.pem")
    (folder / "tls").mkdir()
    authority.ensure_certificate(
        folder / "tls" / "fullchain.pem", folder / "tls" / "privkey.pem", ("localhost", "127.0.0.1")
    )
    events = EventStream(lambda event: log.msg(repr(event)))
    directory, store = MemoryDirectory(ENTRIES), MemoryStore()
    delivery = OfficeDelivery(
        directory, store, hostname="localhost", first_user=directory.first_user, events=events
    )
    checker = InMemoryUsernamePasswordDatabaseDontUse(anna=b"secret")
    portal = Portal(MailRealm(store, directory), [checker])
    policy = SMTPPolicy(hostname="localhost", plaintext="never", failure_seconds=0.1)
    ports = []
    for kind in (SMTPFactory, LMTPFactory):
        tls = ServerTLS(folder / "tls", events)
        factory = kind(delivery, portal, policy=policy, events=events, tls=tls, reactor=reactor)
        ports.append(reactor.listenTCP(0, factory, interface="127.0.0.1").getHost().port)
    print(*ports, flush=True)
    reactor.run()
    stored = {
        name: [message.decode("latin-1") for message in messages]
        for name, messages in store.mailboxes.items()
    }
    (folder / "mailboxes.json").write_text(json.dumps(stored))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
