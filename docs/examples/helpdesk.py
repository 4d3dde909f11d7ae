"""A help-desk that receives mail: a delivery of an application's own, before the built-in one.

Run it with a data folder of pop3gw, and write to help@ a domain that is served there:

    pop3gw --data DIR domain add example.com
    pop3gw --data DIR user add anna@example.com
    python helpdesk.py DIR 2525

A message to help@ becomes a ticket. One to ticket-NUMBER@ is an answer to that ticket, if it is
still open. One to sales@ is redirected to a user's mailbox. All others go where the accounts say.
"""

import json
import sys
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import DeferredLock, ensureDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from zope.interface import implementer

from gateway.accounts.database import AccountDatabase
from gateway.accounts.directory import EmbeddedDirectory
from gateway.datafolder import DataFolder
from gateway.delivery.interfaces import IDelivery, ITransaction, Refused
from gateway.delivery.office import OfficeDelivery
from gateway.events import EventStream
from gateway.log import LogWriter
from gateway.smtp import SMTPFactory
from gateway.store.kinds import open_store
from gateway.wire.replies import SMTPReply

MOST_OCTETS = 1_000_000
REDIRECTED = {"sales": "anna"}


class Tickets:
    """The help-desk itself: a file of JSON lines, written by one thread at a time."""

    def __init__(self, file):
        self._file = file
        self._lock = DeferredLock()

    def open(self, ticket):
        """Say whether a ticket is open, as a database would: later."""
        return deferLater(reactor, 0.01, lambda: ticket < 1000)

    def add(self, **values):
        return self._lock.run(deferToThread, self._write, values)

    def _write(self, values):
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")


@implementer(IDelivery)
class HelpDesk:
    """Takes the mail for the help-desk, and passes all other mail on."""

    def __init__(self, tickets, others):
        self.tickets = tickets
        self.others = others

    def begin(self, envelope):
        if envelope.sender.lower().startswith("mailer-daemon@"):
            raise Refused(SMTPReply(550, "5.7.1", "No bounces to the help-desk"))
        return Transaction(self, envelope)


@implementer(ITransaction)
class Transaction:
    """One message: for the help-desk, or passed on, but not both: a commit is one commit."""

    def __init__(self, desk, envelope):
        self._desk = desk
        self._envelope = envelope
        self._others = None
        self._tickets = []
        self._octets = bytearray()

    def recipient(self, address):
        local_part, _, domain = address.lower().rpartition("@")
        if local_part == "help":
            return self._take(0)
        if local_part.startswith("ticket-"):
            return ensureDeferred(self._answer(local_part.removeprefix("ticket-")))
        if local_part in REDIRECTED:
            address = f"{REDIRECTED[local_part]}@{domain}"
        return self._pass_on(address)

    async def _answer(self, number):
        if not number.isdecimal():
            raise Refused(SMTPReply(550, "5.1.1", "A ticket has a number"))
        if not await self._desk.tickets.open(int(number)):
            raise Refused(SMTPReply(550, "5.2.1", f"Ticket {number} is closed, write to help@"))
        self._take(int(number))

    def _take(self, ticket):
        if self._others is not None:
            raise Refused(SMTPReply(452, "4.5.3", "Write to the help-desk in a message of its own"))
        self._tickets.append(ticket)

    def _pass_on(self, address):
        if self._tickets:
            raise Refused(SMTPReply(452, "4.5.3", "Write to the others in a message of its own"))
        if self._others is None:
            self._others = self._desk.others.begin(self._envelope)
        return self._others.recipient(address)

    def write(self, octets):
        if not self._tickets:
            return self._others.write(octets)
        self._octets += octets
        if len(self._octets) > MOST_OCTETS:
            raise Refused(SMTPReply(552, "5.3.4", "A ticket may have 1 MB, send a link instead"))
        return None

    def commit(self):
        if not self._tickets:
            return self._others.commit()
        added = self._desk.tickets.add(
            id=self._envelope.id,
            sender=self._envelope.sender,
            tickets=self._tickets,
            text=self._octets.decode("utf-8", "replace"),
        )
        return added.addCallbacks(lambda _: None, self._not_now)

    def _not_now(self, failure):
        failure.trap(OSError)
        raise Refused(SMTPReply(451, "4.3.0", "The help-desk cannot take it now, try again later"))

    def abort(self):
        self._octets.clear()
        if self._others is not None:
            self._others.abort()


def main(data, port):
    events = EventStream(LogWriter())
    folder = DataFolder(data)
    kind = folder.prepare(None).store_kind
    store = open_store(kind, folder.path, in_thread=deferToThread, reactor=reactor, events=events)
    store.start()
    reactor.addSystemEventTrigger("before", "shutdown", store.stop)
    directory = EmbeddedDirectory(AccountDatabase(folder.accounts_file))
    others = OfficeDelivery(
        directory, store, hostname="helpdesk.example.com", first_user=directory.first_user
    )
    desk = HelpDesk(Tickets(Path("tickets.jsonl")), others)
    factory = SMTPFactory(desk, events=events)
    serverFromString(reactor, f"tcp:{port}:interface=127.0.0.1").listen(factory)
    reactor.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
