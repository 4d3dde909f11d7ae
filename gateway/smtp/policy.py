"""What an SMTP or LMTP listener allows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from gateway.net.plaintext import Plaintext
from gateway.wire.dots import BareNewlines


@dataclass(frozen=True, slots=True)
class SMTPPolicy:
    """The settings of a listener; the defaults suit an office and a library alike."""

    hostname: str = ""
    """What the server calls itself; "" takes the name of this machine."""
    message_octets: int = 50 * 1024 * 1024
    """The largest message, announced by SIZE (RFC 1870): a 35 MB file is 48 MB in base64."""
    recipients: int = 1000
    """Most recipients of one message; RFC 5321 section 4.5.3.1.8 asks for at least 100."""
    messages: int = 10_000
    """Most messages of one session; 0 for no limit."""
    commands: int = 10_000
    """Most commands in a row of which none was a login, an accepted recipient or a message; 0 for
    no limit."""
    errors: int = 20
    """Commands refused for good (5yz) without a success in between before the connection is
    closed."""
    idle_seconds: float = 300.0
    """How long a client may be silent (RFC 5321 section 4.5.3.2.7)."""
    greeting_delay_seconds: float = 0.0
    """How long the greeting waits for clients that talk before it, and are refused then. Nobody
    waits who is exempt from `ConnectionLimits`. With 0 such clients are only told as events."""
    plaintext: Plaintext = "loopback"
    """Where a password may come without TLS."""
    announce: Collection[str] = ()
    """Mechanisms of AUTH that are announced although many accounts cannot use them: "CRAM-MD5"."""
    failure_seconds: float = 2.0
    """A failed login is answered no earlier than this."""
    bare_newlines: BareNewlines = "refuse"
    """What is done about a bare CR or LF in a message."""
    lenient_networks: Collection[str] = ()
    """Networks ("192.168.7.0/24") whose bare newlines are normalised in any case, as are those of
    clients that have logged in."""
    smtputf8: bool = True
    """Whether internationalized addresses and headers are taken (RFC 6531)."""
