"""The web server for challenges: it knows them, and nothing else."""

from __future__ import annotations

import pytest
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from gateway.acme.responder import Challenges, challenge_site

PREFIX = "/.well-known/acme-challenge/"


def get(challenges: Challenges, path: str, method: str = "GET") -> bytes:
    """Ask for a path as a client does; return all that is answered."""
    protocol = challenge_site(challenges).buildProtocol(None)
    assert protocol is not None
    transport = StringTransport()
    protocol.makeConnection(transport)
    protocol.dataReceived(f"{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    answer = transport.value()
    protocol.connectionLost(Failure(ConnectionDone()))
    return answer


def test_a_token_that_is_asked_for_now_is_answered() -> None:
    challenges = Challenges()
    challenges.put("token", "token.thumbprint")
    answer = get(challenges, PREFIX + "token")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\ntoken.thumbprint")
    challenges.remove("token")
    assert get(challenges, PREFIX + "token").startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize(
    "path", ["/", "/token", PREFIX, PREFIX + "other", PREFIX + "x/token", PREFIX + "%ff"]
)
def test_nothing_else_is(path: str) -> None:
    challenges = Challenges()
    challenges.put("token", "token.thumbprint")
    answer = get(challenges, path)
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"thumbprint" not in answer
