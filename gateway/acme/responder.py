"""Answers the challenges of an ACME server over HTTP (RFC 8555 section 8.3)."""

from __future__ import annotations

from typing import Any

from twisted.web.http import NOT_FOUND
from twisted.web.resource import Resource
from twisted.web.server import Request, Site


class Challenges:
    """The tokens that are asked for now, and what to answer. Used from several threads."""

    def __init__(self) -> None:
        self._answers: dict[str, str] = {}

    def put(self, token: str, answer: str) -> None:
        """Answer `token` with `answer` from now on."""
        self._answers[token] = answer

    def remove(self, token: str) -> None:
        """Answer `token` no more."""
        self._answers.pop(token, None)

    def get(self, token: str) -> str | None:
        """Return the answer to a token, if there is one."""
        return self._answers.get(token)


class _Answer(Resource):
    isLeaf = True

    def __init__(self, challenges: Challenges) -> None:
        super().__init__()
        self._challenges = challenges

    def render(self, request: Request) -> bytes:
        prefix, _, token = (request.path or b"").decode("ascii", "replace").rpartition("/")
        answer = self._challenges.get(token)
        if prefix != "/.well-known/acme-challenge" or answer is None:
            request.setResponseCode(NOT_FOUND)
            return b""
        request.setHeader(b"content-type", b"application/octet-stream")
        return answer.encode("ascii")


class _QuietSite(Site):
    noisy = False

    def log(self, request: Any) -> None:
        """Write nothing: strangers look at port 80 all day."""


def challenge_site(challenges: Challenges) -> Site:
    """Return the factory of a web server that knows nothing but challenges."""
    site = _QuietSite(_Answer(challenges), timeout=15)
    site.displayTracebacks = False
    return site
