"""A message on its way: at once where nobody has to be waited for."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, succeed

from gateway.pop3.retrieval import Retrieval
from gateway.store.interfaces import StoreError


class Line:
    """A connection that takes everything."""

    ending = congested = False

    def __init__(self) -> None:
        self.said = b""

    def send(self, octets: bytes) -> None:
        self.said += octets

    def call_when_drained(self, drained: object) -> None:
        pass


class Reader:
    """Hands out what it was given, in turn."""

    def __init__(self, *answers: Any) -> None:
        self._answers = iter(answers)
        self.closed = False

    def read(self) -> Any:
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("later", [False, True])
def test_what_is_there_is_said_at_once(later: bool) -> None:
    blocks: list[Any] = [b".one\r\n", b"two\r\n", b""]
    line, reader = Line(), Reader(*(map(succeed, blocks) if later else blocks))
    assert Retrieval(line, reader).begin(b"+OK\r\n") is None  # type: ignore[arg-type]
    assert line.said == b"+OK\r\n..one\r\ntwo\r\n.\r\n"
    assert reader.closed


@pytest.mark.parametrize("problem", [StoreError("torn"), fail(StoreError("torn"))])
def test_what_cannot_be_read_at_once_raises(problem: Any) -> None:
    line, reader = Line(), Reader(problem)
    retrieval = Retrieval(line, reader)  # type: ignore[arg-type]
    with pytest.raises(StoreError, match="torn"):
        retrieval.begin(b"+OK\r\n")
    assert not retrieval.begun
    assert line.said == b""
    assert reader.closed


def test_what_comes_later_is_waited_for() -> None:
    first: Deferred[bytes] = Deferred()
    line, reader = Line(), Reader(first, StoreError("torn"))
    retrieval = Retrieval(line, reader)  # type: ignore[arg-type]
    pending = retrieval.begin(b"+OK\r\n")
    assert pending is not None
    failures: list[Any] = []
    pending.addErrback(failures.append)
    first.callback(b"one\r\n")
    assert line.said == b"+OK\r\none\r\n"
    assert retrieval.begun
    assert failures[0].check(StoreError)
