"""Deliveries as an application might write them."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import implementer

from gateway.delivery.interfaces import Envelope, IDelivery, ITransaction


@implementer(IDelivery)
class ByHand:
    """Waits at every step until the test goes on.

    `asked` holds the steps that wait, as (name, argument, Deferred).
    """

    def __init__(self, *, waits: bool = True) -> None:
        self.waits = waits
        self.asked: list[tuple[str, Any, Deferred[Any]]] = []
        self.said: list[tuple[str, Any]] = []
        self.answers: dict[str, Any] = {}
        """What a step gives where it does not wait; an exception is raised."""
        self.envelope: Envelope | None = None

    def begin(self, envelope: Envelope) -> Any:
        self.envelope = envelope
        return self.step("begin", envelope.sender, ByHandTransaction(self))

    def step(self, name: str, argument: Any, result: Any = None) -> Any:
        self.said.append((name, argument))
        if self.waits:
            step: Deferred[Any] = Deferred()
            self.asked.append((name, argument, step))
            return step.addCallback(lambda given: result if given is None else given)
        answer = self.answers.get(name, result)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def answer(self, name: str, result: Any = None) -> None:
        """Let the one step that waits go on, or fail."""
        ((asked, _, step),) = self.asked
        assert asked == name
        self.asked.clear()
        if isinstance(result, Exception):
            step.errback(result)
        else:
            step.callback(result)

    @property
    def steps(self) -> list[str]:
        """The names of all steps so far."""
        return [name for name, _ in self.said]

    @property
    def octets(self) -> bytes:
        """All that was written."""
        return b"".join(argument for name, argument in self.said if name == "write")


@implementer(ITransaction)
class ByHandTransaction:
    def __init__(self, delivery: ByHand) -> None:
        self._delivery = delivery

    def recipient(self, address: str) -> Any:
        return self._delivery.step("recipient", address)

    def write(self, octets: bytes) -> Any:
        return self._delivery.step("write", octets)

    def commit(self) -> Any:
        return self._delivery.step("commit", None)

    def abort(self) -> None:
        self._delivery.said.append(("abort", None))
