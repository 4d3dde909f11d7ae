"""Who is at the other end of a connection: the one value that every part is told about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from random import getrandbits

_NAMES_OF_LOOPBACK = ("", "unix")


@lru_cache(maxsize=1024)
def is_loopback(host: str) -> bool:
    """Say whether `host` (an address as text; "unix" for a unix socket) is this very machine."""
    if host in _NAMES_OF_LOOPBACK:
        return True
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


@dataclass(frozen=True, slots=True)
class TLSParameters:
    """What a finished handshake agreed on."""

    version: str
    """As OpenSSL names it, for instance "TLSv1.3"."""
    cipher: str
    server_name: str | None = None
    """The name the client asked for (SNI, RFC 6066 section 3), if any."""


@dataclass(slots=True, eq=False)
class Client:
    """A connected client, from its first octet to its last.

    It is the `mind` with which a portal is asked (`twisted.cred`), the holder of a maildrop and
    the origin of an envelope. `connected` turns false, once, when the connection has ended:
    whoever waits on behalf of a client looks at it before going on.
    """

    protocol: str
    """The listener's kind: "pop3", "pop3s", "smtp" or "lmtp"."""
    host: str
    """The address as text; "unix" for a unix socket."""
    port: int = 0
    id: str = field(default_factory=lambda: f"{getrandbits(48):012x}")
    """Names the session in the log and in traces. No secret."""
    local_host: str = ""
    """The address of ours that the client connected to, as text."""
    connected_at: float = 0.0
    """Seconds since the epoch."""
    connected: bool = True
    tls: TLSParameters | None = None
    user: str | None = None
    """The address that logged in, once one has."""
    silent_seconds: Callable[[], float] = field(default=lambda: 0.0, repr=False)
    """Says for how long no octet has come from the client or been sent to it; `math.inf` where the
    connection is known to be broken."""
    cut: Callable[[str], None] = field(default=lambda _reason: None, repr=False)
    """Ends the connection at once, without an UPDATE (RFC 1939 section 6), for a reason in a few
    words."""

    @property
    def loopback(self) -> bool:
        """True where the client is on this machine, so that nobody can listen in between."""
        return is_loopback(self.host)
