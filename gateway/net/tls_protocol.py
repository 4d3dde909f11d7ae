"""A TLS connection of Twisted's that sends all records of a write together, without copying them.

Twisted's hands 16 KiB at a time to OpenSSL, fetches the record that comes of it, and writes that.
"""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure

from gateway.net.tcp import AtOnce, can_send_at_once

_TLSMemoryBIOProtocol: Any = TLSMemoryBIOProtocol

TOGETHER_OCTETS = 98_304
"""So much is encrypted before the records are sent."""
_RECORD_OCTETS = 16_384
"""What is in a record at most (RFC 8446 section 5.1)."""
_OVERHEAD_OCTETS = 256
"""More than any cipher makes a record longer than what is in it."""
_OTHER_OCTETS = 16_384
"""Room for what is no answer to a write: handshakes, alerts."""


class TLSProtocol(_TLSMemoryBIOProtocol):
    """Knows its transport before the handshake is made ready, which depends on the client.

    It encrypts what it is given at once: a session joins its replies itself.
    """

    def makeConnection(self, transport: Any) -> None:
        self.transport = transport
        super().makeConnection(transport)
        if can_send_at_once(transport):
            self.transport = AtOnce(transport)

    def _write(self, octets: bytes) -> None:
        """See `TLSMemoryBIOProtocol._write`: during a handshake octets wait, after an error they
        are dropped."""
        if self._lostTLSConnection:
            return
        left, waiting = memoryview(octets), 0
        try:
            while left:
                sent = self._tlsConnection.send(left)  # one record
                left = left[sent:]
                waiting += sent
                if waiting >= TOGETHER_OCTETS:
                    self._send_records(waiting)
                    waiting = 0
        except SSL.WantReadError:
            self._bufferedWrite(bytes(left))
        except SSL.Error:
            self._tlsShutdownFinished(Failure())
            return
        self._send_records(waiting)

    def _flushSendBIO(self) -> None:
        """Send whatever OpenSSL has to say."""
        self._send_records(0)

    def _send_records(self, octets: int) -> None:
        """Send the records that were made of so many octets, and what else waits to be sent."""
        room = octets + (octets // _RECORD_OCTETS + 1) * _OVERHEAD_OCTETS + _OTHER_OCTETS
        while True:
            try:
                records = self._tlsConnection.bio_read(room)
            except SSL.WantReadError:
                return  # there is nothing
            self.transport.write(records)
            if len(records) < room:
                return


class TLSFactory(TLSMemoryBIOFactory):
    """Makes them."""

    protocol = TLSProtocol
    noisy = False
