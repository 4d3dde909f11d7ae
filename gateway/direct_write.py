"""Writing to a transport of Twisted's without a round through the reactor."""

from __future__ import annotations

from typing import Any

from twisted.internet.abstract import FileDescriptor


def write(transport: Any, octets: bytes) -> None:
    """Write to a transport, at once as far as the system takes it.

    A transport of Twisted's writes when the reactor has asked the system whether it may. For a
    reply that fits into the system's buffer, as nearly all do, that costs more than all else that
    is done for it.
    """
    if nothing_waits(transport):
        written = transport.writeSomeData(octets)
        # Where the connection is broken the reactor finds it so, and says it as always.
        if isinstance(written, int) and written > 0:
            octets = octets[written:]
            if not octets:
                return
    transport.write(octets)


def nothing_waits(transport: Any) -> bool:
    """Say whether octets would go straight to the system: no TLS, and nothing before them."""
    return (
        isinstance(transport, FileDescriptor)
        and transport.connected == 1
        and not transport.disconnecting
        and not getattr(transport, "TLS", False)
        and not transport.dataBuffer
        and not transport._tempDataBuffer
    )
