"""One connection of a line-oriented protocol: bounded input, replies in order, one write a turn."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IDelayedCall,
    IHandshakeListener,
    IPushProducer,
    ISSLTransport,
)
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from gateway.client import Client
from gateway.events import (
    InternalError,
    PlaintextInjected,
    ProxyHeaderRefused,
    SessionClosed,
    SessionOpened,
    TalkedTooEarly,
    TLSStarted,
)
from gateway.net import tcp
from gateway.net.handlers import Handlers, Result
from gateway.net.idle import IdleTimer
from gateway.net.peers import client_of, octets_wait, tls_parameters_of
from gateway.wire.lines import InputBuffer, OverlongLine

if TYPE_CHECKING:
    from gateway.net.factory import ConnectionFactory


@implementer(IPushProducer, IHandshakeListener)
class CommandConnection(Handlers):
    """The frame in which a protocol's session runs; subclasses fill in the `handle_` methods.

    While a Deferred reply is pending nothing more is parsed: pipelined input waits, and beyond
    `input_limit` octets reading pauses. The same holds while the client does not read what it
    asked for. Whatever a handler raises ends as a temporary failure and an `InternalError` event.
    """

    factory: ConnectionFactory
    transport: Any  # TCP, unix, TLS or a test's: more than ITransport is asked of it
    line_limit: ClassVar[int] = 12_288
    """Octets of the longest line ever taken."""
    input_limit: ClassVar[int] = 65_536
    """Octets of input that wait before reading pauses."""
    output_mark: ClassVar[int] = 65_536
    """Octets of replies that are joined before they are written."""
    linger_seconds: ClassVar[float] = 30.0
    """How long the peer may take to read our last words before the connection is cut."""

    client: Client

    # Beginning and end -----------------------------------------------------------------------

    def connectionMade(self) -> None:
        """Count the connection, and greet or refuse it."""
        self._input = InputBuffer(self.line_limit)
        self._out: list[bytes] = []
        self._out_octets = 0
        self._take_block: Callable[[bytes], Result] | None = None
        self._drained: Callable[[], object] | None = None
        self._waiting = False
        self._pumping = False
        self._congested = False
        self._reading_paused = False
        self._ending = self._closing = False
        self._winding_down = False
        self._end_reason = "connection lost"
        self._heard = False
        self._greeting: IDelayedCall | None = None
        self.client = client_of(self.transport, self.factory.protocol_name)
        self.client.connected_at = time.time()
        self._timer = IdleTimer(self.factory.reactor, self._silent)
        self.client.silent_seconds, self.client.cut = self._silent_seconds, self.abort
        tcp.guard(self.transport)
        at_once = tcp.can_send_at_once(self.transport)
        self._writer = tcp.AtOnce(self.transport) if at_once else self.transport
        # What is no descriptor of a reactor's, such as a test's transport, knows of no turns.
        self._reactor = getattr(self.transport, "reactor", None)
        self.transport.registerProducer(self, True)
        self.factory.connected(self)
        self._admitted = self.factory.limits.admit(self.client)
        if not self._admitted:
            self.end("too many connections", self.handle_too_many())
            return
        self.factory.events.emit(SessionOpened(self.client))
        self._timer.start(self.idle_seconds)
        if self.factory.winding_down:
            self.end("shutting down", self.handle_shutdown())
        else:
            self._greet_in_time()

    def _greet_in_time(self) -> None:
        delay = self.greeting_delay_seconds
        if delay and not self.factory.limits.is_exempt(self.client):
            self._greeting = self.factory.reactor.callLater(delay, self._greet)
            return
        if delay is not None and octets_wait(self.transport):
            self.factory.events.emit(TalkedTooEarly(self.client))
        self._greet()

    def _greet(self) -> None:
        self._greeting = None
        greeting = self.handle_start()
        if greeting:
            self.send(greeting)
            self._write_soon()

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002
        """Release everything, tell the end of the session."""
        self.client.connected = False
        self._ending = True
        self._timer.stop()
        self._stop_greeting()
        self._closing = False
        self._out.clear()
        self._input.clear()
        self._take_block = self._drained = None
        try:
            self.handle_end()
        except Exception:
            self._tell_failure("handle_end", Failure())
        self.factory.disconnected(self)
        if self._admitted:
            self.factory.limits.leave(self.client)
            seconds = time.time() - self.client.connected_at
            self.factory.events.emit(SessionClosed(self.client, self._end_reason, seconds))

    def end(self, reason: str, last_words: bytes = b"") -> None:
        """Close the connection when what was said before, and `last_words`, are written."""
        if self._ending:
            return
        self._stop_greeting()
        if last_words:
            self.send(last_words)
        self._ending = self._closing = True
        self._end_reason = reason
        self._input.clear()
        self._write_soon()

    def abort(self, reason: str) -> None:
        """Cut the connection, whatever is still to be written."""
        if not self._ending:
            self._stop_greeting()
            self._ending = True
            self._end_reason = reason
            self._input.clear()
            self.transport.unregisterProducer()
        self._closing = False
        self._out.clear()
        self.transport.abortConnection()

    def _stop_greeting(self) -> None:
        greeting, self._greeting = self._greeting, None
        if greeting is not None:
            greeting.cancel()

    def wind_down(self) -> None:
        """End soon: at once, or when the reply that is being worked on has been given."""
        if self._waiting and self._drained is None:
            self._winding_down = True
        else:
            self.end("shutting down", self.handle_shutdown())

    @property
    def ending(self) -> bool:
        """True from the moment on when nothing more is read from the client."""
        return self._ending

    def _silent(self) -> None:
        if self._ending:
            self.transport.abortConnection()
        elif self._waiting and self._drained is None:
            self._timer.start(self.idle_seconds)  # it is us who are late
        elif self._congested:
            self._stalled()
        else:
            self.end("idle", self.handle_idle())

    def _stalled(self) -> None:
        """Nothing left our buffer; what is in the system's, megabytes, may be on the way still."""
        left = self.idle_seconds - self._silent_seconds()
        if left > 0:
            self._timer.start(left)
        else:
            self.abort("stalled")

    def _silent_seconds(self) -> float:
        if self._waiting and self._drained is None:
            return 0.0  # it is us who are late
        known = tcp.silent_seconds(self.transport)
        if known is None or known == math.inf:
            return self._timer.idle_seconds if known is None else known
        return min(known, self._timer.idle_seconds)

    # Input -----------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        """Take octets from the client."""
        if self._ending:
            return
        if self._greeting is not None:
            self.factory.events.emit(TalkedTooEarly(self.client))
            self.end("talked before the greeting", self.handle_early())
            return
        self._timer.touch()
        self._input.feed(data)
        self._pump()
        if len(self._input) > self.input_limit and not self._reading_paused and not self._ending:
            self._reading_paused = True
            self.transport.pauseProducing()

    def take_blocks(self, taker: Callable[[bytes], Result]) -> None:
        """Give what comes next to `taker` in blocks, as it comes, until `take_lines`."""
        self._take_block = taker

    def take_lines(self, unused: bytes = b"") -> None:
        """Give what comes next, beginning with `unused`, to `handle_line`."""
        self._take_block = None
        if unused:
            self._input.put_back(unused)

    def _pump(self) -> None:
        if self._pumping:
            return
        self._pumping = True
        try:
            while not (self._waiting or self._congested or self._ending):
                if not self._handle_next():
                    break
        finally:
            self._pumping = False
        if self._out:
            self._write_soon()
        if self._reading_paused and len(self._input) <= self.input_limit and not self._ending:
            self._reading_paused = False
            self.transport.resumeProducing()

    def _handle_next(self) -> bool:
        """Handle one line or block; False when there is none."""
        try:
            if self._take_block is not None:
                if not len(self._input):
                    return False
                result = self._take_block(self._input.take_all())
            else:
                line = self._input.take_line()
                if line is None:
                    return False
                result = self._handle_first(line) if not self._heard else self.handle_line(line)
        except OverlongLine:
            result = self.handle_overlong_line()
        except Exception:
            result = self._reply_to_failure(Failure())
        if isinstance(result, bytes):
            self.send(result)
        elif result is not None:
            self._wait_for(result)
        return True

    def _handle_first(self, line: bytes) -> Result:
        self._heard = True
        if not line.startswith(b"PROXY "):
            return self.handle_line(line)
        # To go on would be to take the proxy for its client, and on this machine for one of ours.
        client = self.client
        reason = "only a proxy may send a PROXY header, and this address is not in [net] proxies"
        self.factory.events.emit(ProxyHeaderRefused(client.protocol, client.host, reason))
        self.abort("PROXY header of no proxy")
        return None

    def _wait_for(self, pending: Deferred[Any]) -> None:
        self._waiting = True
        pending.addErrback(self._reply_to_failure)
        pending.addCallback(self._answered)

    def _answered(self, reply: bytes | None) -> None:
        self._waiting = False
        if self._ending:
            return
        if reply:
            self.send(reply)
        if self._winding_down:
            self.end("shutting down", self.handle_shutdown())
        else:
            self._timer.touch()
            self._pump()

    def _reply_to_failure(self, failure: Failure) -> bytes:
        self._tell_failure(type(self).__name__, failure)
        return self.handle_failure()

    def _tell_failure(self, where: str, failure: Failure) -> None:
        self.factory.events.emit(InternalError(where, failure, self.client))

    # Output ----------------------------------------------------------------------------------

    def send(self, octets: bytes) -> None:
        """Say something to the client, in order, written with what is said in the same turn.

        What is large is written alone, without being copied. Nothing is said after the end.
        """
        if self._ending:
            return
        if len(octets) > self.output_mark and self._out:
            self.flush()
        self._out.append(octets)
        self._out_octets += len(octets)
        if self._out_octets > self.output_mark:
            self.flush()

    def flush(self) -> None:
        """Write what was said."""
        if self._out:
            octets = self._out[0] if len(self._out) == 1 else b"".join(self._out)
            self._out.clear()
            self._out_octets = 0
            self._writer.write(octets)

    def _write_soon(self) -> None:
        if self._reactor is None:
            self.write_out()
        else:
            self.factory.outbox.add(self, self._reactor)

    def write_out(self) -> None:
        """Write what was said, and close the connection if that was the end of it."""
        try:
            self.flush()
            if self._closing:
                self._close()
        except Exception:
            self._tell_failure("write_out", Failure())
            self.abort("internal error")

    def _close(self) -> None:
        self._closing = False
        self.transport.unregisterProducer()
        tcp.close(self.transport)
        if self.client.connected:
            self._timer.start(self.linger_seconds)

    @property
    def congested(self) -> bool:
        """True while the client does not read as fast as we write."""
        return self._congested

    def call_when_drained(self, drained: Callable[[], object] | None) -> None:
        """Have `drained` called each time the client has caught up reading; None: no longer."""
        self._drained = drained

    def pauseProducing(self) -> None:
        """Called by the transport: too much is waiting to be sent."""
        self._congested = True

    def resumeProducing(self) -> None:
        """Called by the transport: what was written has been sent."""
        self._congested = False
        if self._ending:
            return
        self._timer.touch()
        if self._drained is not None:
            self._drained()
        else:
            self._pump()

    def stopProducing(self) -> None:
        """Called by the transport: nothing can be sent any more; `connectionLost` follows."""

    # TLS -------------------------------------------------------------------------------------

    @property
    def secure(self) -> bool:
        """Whether the connection runs over TLS."""
        return ISSLTransport.providedBy(self.transport)

    def start_tls(self, reply: bytes) -> None:
        """Say `reply` and begin the handshake as server (RFC 3207, RFC 2595).

        Octets that came with the command are a plaintext injection and end the connection.
        """
        if len(self._input):
            self.factory.events.emit(PlaintextInjected(self.client))
            self.end("plaintext injected before TLS")
            return
        self.send(reply)
        self.flush()
        self._writer = self.transport
        self.transport.startTLS(self.factory.tls)

    def handshakeCompleted(self) -> None:
        """Note what was agreed on."""
        self.client.tls = tls_parameters_of(self.transport)
        self._timer.touch()
        self.factory.events.emit(TLSStarted(self.client))
