"""Passwords that an HTTP endpoint checks."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any
from urllib.parse import urlsplit

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, HTTPConnectionPool, readBody
from twisted.web.http_headers import Headers
from twisted.web.iweb import IBodyProducer
from zope.interface import implementer

from gateway.accounts.errors import AccountError
from gateway.accounts.passwords import decode_password
from gateway.accounts.sources.surroundings import Surroundings, unavailable
from gateway.client import is_loopback

_TIMEOUT_SECONDS = 10
_RIGHT, _WRONG = (200, 204), (401, 403, 404)
_LARGEST_ANSWER = 65_536


@implementer(IBodyProducer)
class _Body:
    """A short body."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self.length = len(octets)

    def startProducing(self, consumer: Any) -> Deferred[None]:
        consumer.write(self._octets)
        done: Deferred[None] = Deferred()
        done.callback(None)
        return done

    def pauseProducing(self) -> None:
        """There is nothing to pause."""

    def resumeProducing(self) -> None:
        """There is nothing to resume."""

    def stopProducing(self) -> None:
        """There is nothing to stop."""


@implementer(ICredentialsChecker)
class HTTPChecker:
    """Posts `{"username", "password", "protocol", "address"}` as JSON, and looks at the status.

    200 or 204 is a right password, 401, 403 or 404 a wrong one; all else, and no answer within
    ten seconds, says that nobody knows. A JSON object in the answer may name the mailbox, as
    `user`. The server's certificate is verified, its name too (RFC 9525).

    @param url: https; http is taken for this machine itself only, since a password travels.
    @raise AccountError: it is no such URL.
    """

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self, url: str, surroundings: Surroundings) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        local = parts.scheme == "http" and (host == "localhost" or (host and is_loopback(host)))
        if not host or not (parts.scheme == "https" or local):
            raise AccountError(
                "the checker http takes http:https://HOST/PATH; plain http is for this machine only"
            )
        self._url = url.encode("ascii", "strict")
        self._shown = f"{parts.scheme}://{host}"
        self._reactor = surroundings.reactor
        self._agent = Agent(
            surroundings.reactor,
            BrowserLikePolicyForHTTPS(),
            connectTimeout=_TIMEOUT_SECONDS,
            pool=HTTPConnectionPool(surroundings.reactor),
        )

    @inlineCallbacks
    def requestAvatarId(self, credentials: Any) -> Generator[Deferred[Any], Any, bytes | tuple[()]]:
        """See `ICredentialsChecker`."""
        name = credentials.username.decode("utf-8", "replace")
        try:
            answer = self._ask(name, credentials)
            status, body = yield answer.addTimeout(_TIMEOUT_SECONDS, self._reactor)
        except Exception as error:
            # Of the many ways to fail, all mean the same here: nobody can say now.
            raise unavailable(self._shown, error) from error
        if status in _WRONG:
            raise UnauthorizedLogin
        if status not in _RIGHT:
            raise unavailable(self._shown, ValueError(f"it answered {status}"))
        return _mailbox(body) or credentials.username.lower()

    @inlineCallbacks
    def _ask(self, name: str, credentials: Any) -> Generator[Deferred[Any], Any, tuple[int, bytes]]:
        client = getattr(credentials, "client", None)
        question = {
            "username": name,
            "password": decode_password(credentials.password),
            "protocol": client.protocol if client is not None else None,
            "address": client.host if client is not None else None,
        }
        headers = Headers({"Content-Type": ["application/json"], "User-Agent": ["pop3gw"]})
        body = _Body(json.dumps(question).encode("ascii"))
        response = yield self._agent.request(b"POST", self._url, headers, body)
        if isinstance(response.length, int) and response.length > _LARGEST_ANSWER:
            raise ValueError("the answer is too long")
        return response.code, (yield readBody(response))


def _mailbox(body: bytes) -> bytes | None:
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    user = answer.get("user") if isinstance(answer, dict) else None
    return user.lower().encode("utf-8") if isinstance(user, str) and user else None
