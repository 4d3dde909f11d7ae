"""Every thing worth telling, named once.

A session, a login, a delivery is told once, as one of these values. The log, the counters and the
trace of a message are readers of the same stream, so that none can contradict another. An event
carries ids, addresses, octets and times; never a password, a token or a key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from twisted.logger import Logger
from twisted.python.failure import Failure

from gateway.client import Client


@dataclass(frozen=True, slots=True)
class Event:
    """The base of all events."""


@dataclass(frozen=True, slots=True)
class ListenerBound(Event):
    """A listener accepts connections now."""

    protocol: str
    address: str
    """As in "127.0.0.1:110", "[::1]:110" or "unix:/run/pop3gw/lmtp"."""


@dataclass(frozen=True, slots=True)
class GatewayReady(Event):
    """Every listener is bound."""


@dataclass(frozen=True, slots=True)
class SessionOpened(Event):
    client: Client


@dataclass(frozen=True, slots=True)
class SessionClosed(Event):
    client: Client
    reason: str
    """Why it ended, in a few words: "quit", "idle", "connection lost", ..."""
    seconds: float


@dataclass(frozen=True, slots=True)
class TLSStarted(Event):
    """A handshake has finished; `client.tls` says what was agreed on."""

    client: Client


@dataclass(frozen=True, slots=True)
class PlaintextInjected(Event):
    """Octets came together with the command that starts TLS (CVE-2011-0411): connection closed."""

    client: Client


@dataclass(frozen=True, slots=True)
class ProxyHeaderRefused(Event):
    """A connection was closed for its PROXY header, which was wrong, missing or not allowed."""

    protocol: str
    peer: str
    """The address that the connection came from."""
    reason: str


@dataclass(frozen=True, slots=True)
class TalkedTooEarly(Event):
    """A client sent something before it was greeted, as programs do that read no replies."""

    client: Client


@dataclass(frozen=True, slots=True)
class LoginSucceeded(Event):
    client: Client
    user: str
    mechanism: str


@dataclass(frozen=True, slots=True)
class LoginFailed(Event):
    client: Client
    name: str
    """What the client said it was, shortened and made printable."""
    mechanism: str
    reason: str


@dataclass(frozen=True, slots=True)
class RecipientRefused(Event):
    client: Client
    sender: str
    recipient: str
    reply: str
    id: str = ""
    """Of the transaction, as in `Envelope.id`."""
    received_at: float = 0.0
    """When its MAIL came, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class MessageStored(Event):
    """A message is on stable storage in every mailbox named."""

    client: Client
    id: str
    sender: str
    recipients: tuple[str, ...]
    copies: tuple[tuple[str, str], ...]
    """(mailbox, UIDL) of each copy."""
    octets: int
    received_at: float = 0.0
    """When its MAIL came, in seconds since the epoch."""
    message_id: str = ""
    """What its field Message-ID says, with the angle brackets; "" where it has none."""


@dataclass(frozen=True, slots=True)
class MessageRefused(Event):
    """A message came whole, and nothing of it is stored."""

    client: Client
    id: str
    sender: str
    recipients: tuple[str, ...]
    reply: str
    received_at: float = 0.0
    """When its MAIL came, in seconds since the epoch."""
    message_id: str = ""
    """What its field Message-ID says, as far as it was seen; "" where it has none."""


@dataclass(frozen=True, slots=True)
class MessageAbandoned(Event):
    """A client had recipients accepted and then gave up: RSET, a lost connection, our shutdown."""

    client: Client
    id: str
    sender: str
    recipients: tuple[str, ...]
    received_at: float
    """When its MAIL came, in seconds since the epoch."""
    message_id: str
    """What its field Message-ID says, as far as it was seen; "" where it has none."""


@dataclass(frozen=True, slots=True)
class MessageRetrieved(Event):
    """All octets of a message were handed to the transport."""

    client: Client
    mailbox: str
    uidl: str
    octets: int


@dataclass(frozen=True, slots=True)
class MessagesDeleted(Event):
    """The UPDATE state (RFC 1939 section 6) removed these messages."""

    client: Client
    mailbox: str
    uidls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MessagesExpired(Event):
    """These messages were deleted for their age."""

    mailbox: str
    uidls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UpdateFailed(Event):
    """The UPDATE state left messages behind that were to be removed."""

    client: Client
    mailbox: str
    uidls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CertificateLoaded(Event):
    """A certificate is served from the next handshake on."""

    path: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorkerStarted(Event):
    """A process that serves clients was started."""

    number: int
    """From 1."""
    pid: int


@dataclass(frozen=True, slots=True)
class WorkerEnded(Event):
    """A worker has ended that nobody had told to."""

    number: int
    pid: int
    how: str
    """For instance "killed by SIGKILL"."""
    delay: float
    """Seconds until its successor is started."""


@dataclass(frozen=True, slots=True)
class CertificateRejected(Event):
    """A certificate file was not taken; the one served before stays."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Trouble(Event):
    """Something outside the gateway needs a person: a disk, a file, a permission."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class InternalError(Event):
    """A defect of ours; the client got a temporary failure."""

    where: str
    failure: Failure
    client: Client | None = None


Reader = Callable[[Event], None]

_log = Logger()


class EventStream:
    """Hands each event to every reader, at once and in order.

    Readers run on the reactor thread and must not block. One that raises is logged and does not
    keep the event from the others, nor harm the one who told it.
    """

    def __init__(self, *readers: Reader) -> None:
        self._readers = readers

    def subscribe(self, reader: Reader) -> None:
        """Let `reader` be called with each event from now on."""
        self._readers = (*self._readers, reader)

    def emit(self, event: Event) -> None:
        """Tell `event` to all readers. Call it on the reactor thread only."""
        for reader in self._readers:
            try:
                reader(event)
            except Exception:
                _log.failure("a reader of events failed")


def log_defects(event: Event) -> None:
    """Write what needs a person to Twisted's log: the reader where nobody else listens."""
    if isinstance(event, InternalError):
        _log.failure("defect in {where}", event.failure, where=event.where)
    elif isinstance(event, Trouble):
        _log.error("{where}: {what}", where=event.where, what=event.what)
