"""The SLEEP state (draft-billpg-pop3-slee-wake): connected and known, without a maildrop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from twisted.internet.defer import Deferred

from gateway.pop3 import verbs
from gateway.pop3.login import Opened, open_maildrop, refusal_of
from gateway.pop3.replies import ok
from gateway.pop3.state import State

if TYPE_CHECKING:
    from gateway.pop3.protocol import POP3Connection


class Proof(NamedTuple):
    """How a client has proved who it is.

    It is kept only where SLEEPING is switched on, and proves the same again at WAKE: whoever was
    disabled or given another password meanwhile stays outside.
    """

    credentials: Any
    mechanism: str

    def __repr__(self) -> str:
        return f"Proof({self.mechanism})"


class Sleep(State):
    """Between SLEE and WAKE."""

    verbs: ClassVar[tuple[verbs.Verb, ...]] = verbs.SLEEP

    def __init__(self, connection: POP3Connection, proof: Proof) -> None:
        super().__init__(connection)
        self._proof = proof

    @property
    def belongs_elsewhere(self) -> bytes:
        """See `State`."""
        return self.texts.wake_first

    def wake(self) -> Deferred[bytes]:
        """WAKE: open the maildrop again."""
        opening = open_maildrop(self.connection, *self._proof, delayed=False)
        return opening.addCallbacks(
            self._opened, lambda failure: refusal_of(self.connection, failure)
        )

    def _opened(self, opened: Opened) -> bytes:
        self.connection.enter_transaction(opened, *self._proof)
        snapshot = opened.maildrop.snapshot
        return ok(self.texts.maildrop % (len(snapshot), snapshot.octets))

    def noop(self) -> bytes:
        """NOOP: nothing, but the session is not idle."""
        return ok(self.texts.nothing_done)

    def quit(self) -> None:
        """QUIT: nothing is held."""
        self.connection.end("quit", ok(self.texts.goodbye))
