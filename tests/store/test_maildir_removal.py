"""Deletions: as many threads at a time as do not keep one another waiting."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.task import Clock

from gateway.client import Client
from gateway.store.interfaces import MessageAttributes
from gateway.store.maildir import MaildirStore
from tests.store.threads import Threads

SESSIONS = 6


def test_few_removals_are_under_way_at_a_time(tmp_path: Path) -> None:
    threads = Threads()
    store = MaildirStore(tmp_path / "m", tmp_path / "s", in_thread=threads, reactor=Clock())
    store.start()
    maildrops = []
    for number in range(SESSIONS):
        mailbox = f"u{number}@example.com"
        writer = store.begin_delivery(MessageAttributes())
        writer.write(b"Subject: x\r\n\r\n")
        writer.commit([mailbox])
        threads.run_all()
        opening = store.open_maildrop(mailbox, Client("pop3", "192.0.2.7"))
        threads.run_all()
        maildrops.append(opening.result)  # type: ignore[attr-defined]
    removals = [maildrop.commit([0]) for maildrop in maildrops]
    done, most = 0, 0
    while threads.calls:
        most = max(most, len(threads.calls))
        threads.run_one()
        done += 1
    assert done == SESSIONS
    assert 1 <= most < SESSIONS
    assert [removal.result for removal in removals] == [[]] * SESSIONS
    assert not any((tmp_path / "m").rglob("new/*"))
