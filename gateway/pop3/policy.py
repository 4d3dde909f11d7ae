"""What a POP3 listener allows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from gateway.net.plaintext import Plaintext
from gateway.store.interfaces import MaildropPolicy


@dataclass(frozen=True, slots=True)
class POP3Policy:
    """The settings of a POP3 listener; the defaults suit an office and a library alike."""

    idle_seconds: float = 600.0
    """The autologout timer (RFC 1939 section 3): at least ten minutes."""
    plaintext: Plaintext = "loopback"
    """Where a password may come without TLS."""
    announce: Collection[str] = ()
    """Mechanisms that are announced although many accounts cannot use them: "APOP", "CRAM-MD5"."""
    errors: int = 20
    """Commands refused in a row before the connection is closed."""
    failure_seconds: float = 2.0
    """A failed login is answered no earlier than this."""
    trust_sizes: bool = False
    """Announce the sizes that a foreign `IMailboxPOP3` states, instead of measuring each message
    once a session. Only for mailboxes that state the octets of the canonical form."""
    maildrop: MaildropPolicy = field(default_factory=MaildropPolicy)
    """Holds for each maildrop that does not say otherwise (`IMaildropPolicy`)."""
    language: str = "en"
    """The tag of the language in which clients are spoken to until they choose one (LANG): one
    of `gateway.pop3.languages.LANGUAGES`."""
    extensions: Collection[str] = ()
    """Commands outside of the standards that are switched on, by their capability: any of
    `gateway.pop3.verbs.EXTENSIONS`."""
