"""A start looks into no mailbox: however much mail there is, it is ready at once."""

from __future__ import annotations

import os
from pathlib import Path
from poplib import POP3

from tests.interop.gateway import Gateway

LONG_AGO = 1_000_000_000


def test_a_mailbox_is_read_when_its_user_comes(tmp_path: Path) -> None:
    configuration = '[auth]\nplaintext = "loopback"\n'
    with Gateway(tmp_path, store="maildir", configuration=configuration) as gateway:
        account = gateway.add_accounts(1)[0]
        mailbox = gateway.mailbox(account)
        for name in ("new", "cur", "tmp"):
            (mailbox / name).mkdir(parents=True)
        (mailbox / "new" / "1700000000.1_0.host").write_bytes(b"Subject: x\n\n")
        gateway.stop()
        # Whoever lists a folder leaves the time of that there, if the last was before its change.
        new = mailbox / "new"
        os.utime(new, (LONG_AGO, LONG_AGO + 1))
        gateway.start()
        assert new.stat().st_atime == LONG_AGO
        session = POP3("127.0.0.1", gateway.ports["pop3"], timeout=20)
        session.user(account.address)
        session.pass_(account.password)
        assert session.stat()[0] == 1
        session.quit()
        assert new.stat().st_atime > LONG_AGO
