"""What SMTP hands a message to. The gateway's own delivery is one implementation of it.

An application that embeds `gateway.smtp.SMTPFactory` implements these two interfaces. Each method
may return a Deferred where it has to wait; where it does not, a plain value costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from zope.interface import Interface

from gateway.client import Client
from gateway.wire.replies import SMTPReply


class Refused(Exception):
    """Raised by a delivery to refuse: the reply goes to the client as it is.

    A 4yz reply means "not now", a 5yz reply "never" (RFC 5321 section 4.2.1).
    """

    def __init__(self, reply: SMTPReply) -> None:
        super().__init__(str(reply))
        self.reply = reply


@dataclass(slots=True)
class Envelope:
    """The transaction that a message comes in (RFC 5321 section 3.3), but for its recipients."""

    id: str
    """Names the message in replies, log and trace."""
    sender: str
    """The reverse-path; "" is the null one."""
    client: Client
    helo: str
    """What the client calls itself."""
    protocol: str
    """The keyword for Received (RFC 3848): "SMTP", "ESMTPS", "ESMTPSA", "LMTP", ..."""
    received_at: float
    """Seconds since the epoch, when MAIL came."""
    size: int | None = None
    """Octets as declared by SIZE (RFC 1870)."""
    smtputf8: bool = False
    requiretls: bool = False
    recipients: list[str] = field(default_factory=list)
    """The forward-paths accepted so far, as the client wrote them, in order."""
    message_id: str = ""
    """What the field Message-ID says. A delivery may fill it in, for the trace."""


class OutcomeUnknown(Exception):
    """Nobody can say whether the message is stored: its client is told nothing, and may retry."""


class IDelivery(Interface):
    """Receives messages."""

    def begin(envelope):
        """A client has sent MAIL.

        @param envelope: `Envelope`, without recipients yet.
        @return: an `ITransaction`, or a Deferred of one.
        @raise Refused: this sender is not served.
        """


class ITransaction(Interface):
    """One message: recipients, then octets, then one commit. Ends with `commit` or `abort`."""

    def recipient(address):
        """Accept one more recipient.

        @param address: the forward-path's mailbox as the client wrote it ("Anna@Example.com"), or
            "postmaster" without a domain: str.
        @return: None, or a Deferred that fires with None, once it is accepted.
        @raise Refused: not this recipient, or not now. The others are not affected.
        """

    def write(octets):
        """Take the next octets of the message: CRLF ends each line, dot-stuffing is undone.

        @return: None, or a Deferred that fires when more may be written.
        @raise Refused: the message will not be stored. `abort` follows; the client is told when
            all of it has been read.
        """

    def commit():
        """All octets were written. Take responsibility for the message.

        @return: None, or a Deferred that fires with None, once the message is safe for all
            recipients.  Where recipients may differ (LMTP asks for one reply each, RFC 2033),
            it may give a list with one entry for each accepted recipient, in order: None where it
            is stored, else an `SMTPReply`. Over SMTP such a list counts as stored only if all
            entries are None.
        @raise Refused: it is stored for nobody.
        @raise OutcomeUnknown: perhaps it is stored. The connection is cut, as a crash would.
        """

    def abort():
        """Drop it all: RSET, a lost connection, a message refused. Never raises."""
