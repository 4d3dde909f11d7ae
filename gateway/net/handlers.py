"""What a protocol answers for the connection that its session runs on."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol

Result = bytes | Deferred[Any] | None
"""What handling a line or a block gives: the reply, a Deferred of it, or nothing to say (yet)."""


class Handlers(Protocol):
    """The part of a `gateway.net.connection.CommandConnection` that its subclasses fill in."""

    @property
    def idle_seconds(self) -> float:
        """How long a client may be silent."""
        raise NotImplementedError

    @property
    def greeting_delay_seconds(self) -> float | None:
        """How long a client that is not exempt from the limits waits for its greeting.

        One that talks meanwhile is refused. Where it is 0, that is only told; where it is None,
        a client may talk when it likes.
        """
        return None

    def handle_early(self) -> bytes:
        """Return what a client is told at the end that talked before the greeting."""
        raise NotImplementedError

    def handle_start(self) -> bytes | None:
        """Return the greeting. The connection is counted, and `self.client` is set."""
        raise NotImplementedError

    def handle_line(self, line: bytes) -> Result:
        """Handle one command line, given without its end."""
        raise NotImplementedError

    def handle_overlong_line(self) -> Result:
        """Handle a line longer than `line_limit`, which was skipped."""
        raise NotImplementedError

    def handle_failure(self) -> bytes:
        """Return the reply to a command that failed for a reason of ours."""
        raise NotImplementedError

    def handle_too_many(self) -> bytes:
        """Return what a connection beyond the limits is told instead of the greeting."""
        raise NotImplementedError

    def handle_idle(self) -> bytes:
        """Return what a client that was silent for `idle_seconds` is told at the end."""
        raise NotImplementedError

    def handle_shutdown(self) -> bytes:
        """Return what a client is told when the gateway stops."""
        raise NotImplementedError

    def handle_end(self) -> None:
        """Let go of everything the session holds: the connection has ended, in whatever way."""
        raise NotImplementedError
