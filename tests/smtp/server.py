"""An SMTP or LMTP server in memory: the real factory, protocol and delivery."""

from __future__ import annotations

from typing import Any

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import Portal
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from gateway.accounts.realm import MailRealm
from gateway.delivery.office import OfficeDelivery
from gateway.events import Event, EventStream, InternalError
from gateway.smtp import LMTPFactory, SMTPFactory, SMTPPolicy
from gateway.smtp.protocol import SMTPConnection
from tests.delivery.parts import ENTRIES, MemoryDirectory, MemoryStore
from tests.dialogs.player import DialogTransport

LOOPBACK = IPv4Address("TCP", "127.0.0.1", 50000)
AFAR = IPv4Address("TCP", "192.0.2.7", 50000)
HERE = IPv4Address("TCP", "198.51.100.5", 25)

GREETED = b"EHLO client.example\r\n"
BEGUN = b"MAIL FROM:<sender@client.example>\r\nRCPT TO:<anna@example.com>\r\n"
MESSAGE = b"Subject: hello\r\n\r\ntext\r\n"


class Server:
    """One factory with its clock, its store, and the events it told.

    @param options: as dialogs name them, see `tests/dialogs/smtp`.
    @param slow: the directory and the store take a second for each answer.
    @param delivery: in place of the gateway's own.
    """

    def __init__(
        self,
        options: dict[str, str] | None = None,
        slow: bool = False,
        delivery: Any = None,
        **factory: Any,
    ) -> None:
        options = options or {}
        self.slow = slow
        self.clock = Clock()
        self.events: list[Event] = []
        stream = EventStream(self.events.append)
        clock = self.clock if slow else None
        self.directory = MemoryDirectory(ENTRIES, clock)
        self.store = MemoryStore(clock)
        if delivery is None:
            delivery = OfficeDelivery(
                self.directory,
                self.store,
                hostname="mail.example.com",
                first_user=self.directory.first_user,
                events=stream,
            )
        kind = LMTPFactory if "lmtp" in options else SMTPFactory
        self.factory = kind(
            delivery,
            None if "no-portal" in options else self._portal(),
            policy=_policy(options),
            events=stream,
            tls=object() if "tls" in options else None,  # type: ignore[arg-type]
            reactor=self.clock,  # type: ignore[arg-type]
            **factory,
        )

    def _portal(self) -> Portal:
        checker = InMemoryUsernamePasswordDatabaseDontUse(anna=b"secret")
        return Portal(MailRealm(self.store, self.directory), [checker])

    def settle(self) -> None:
        """Let what is slow, and a failed login, come to its end."""
        for _ in range(30):
            self.clock.advance(1 if self.slow else 0.1)

    def connect(self, peer: Any = AFAR) -> Connection:
        """Begin a session."""
        return Connection(self, peer)

    def told(self, kind: type[Event]) -> list[Any]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def stored(self, mailbox: str = "anna@example.com") -> list[bytes]:
        """What is in a mailbox, without the trace headers."""
        return [
            message.partition(b" +0000\r\n")[2] for message in self.store.mailboxes.get(mailbox, [])
        ]

    def check_clean(self) -> None:
        """Every connection has ended, no message is half there, nothing went wrong in ours."""
        assert not self.factory.connections
        assert not self.told(InternalError)


def _policy(options: dict[str, str]) -> SMTPPolicy:
    numbers = ("message_octets", "recipients", "errors", "messages", "commands")
    given: dict[str, Any] = {name: int(options[name]) for name in numbers if name in options}
    for name in ("plaintext", "bare_newlines"):
        if name in options:
            given[name] = options[name]
    for name in ("announce", "lenient_networks"):
        if name in options:
            given[name] = options[name].split()
    return SMTPPolicy(hostname="mail.example.com", smtputf8="ascii" not in options, **given)


def identify(protocol: SMTPConnection) -> None:
    """Give a session an id that is the same each time."""
    protocol.client.id = "5e5510"


class Connection:
    """One connection, driven by hand."""

    def __init__(self, server: Server, peer: Any) -> None:
        self.transport = DialogTransport(hostAddress=HERE, peerAddress=peer)
        protocol = server.factory.buildProtocol(peer)
        assert isinstance(protocol, SMTPConnection)
        self.protocol = protocol
        self.protocol.makeConnection(self.transport)
        identify(protocol)
        self.greeting = self.transport.take()

    def say(self, octets: bytes) -> bytes:
        """Send octets; return what the server says at once."""
        self.protocol.dataReceived(octets)
        return self.transport.take()

    def codes(self, octets: bytes) -> list[str]:
        """Send octets; return the codes and enhanced codes of the replies given at once."""
        return codes_of(self.say(octets))

    def lose(self) -> None:
        """The connection ends."""
        self.protocol.connectionLost(Failure(ConnectionDone()))


def codes_of(said: bytes) -> list[str]:
    """The codes of replies, each with its enhanced one where it has one; of the last lines only."""
    found = []
    for line in said.decode().splitlines():
        code, separator, text = line[:3], line[3:4], line[4:]
        if separator == " ":
            first = text.partition(" ")[0]
            found.append(f"{code} {first}" if first.count(".") == 2 and first[0] in "245" else code)
    return found
