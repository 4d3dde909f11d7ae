"""PLAIN (RFC 4616)."""

from __future__ import annotations

from typing import Any

from twisted.cred.credentials import UsernamePassword
from zope.interface import implementer

from gateway.accounts.interfaces import InvalidResponse, ISASLMechanism


@implementer(ISASLMechanism)
class Plain:
    """One exchange: the client sends authorization identity, user name and password at once."""

    name = "PLAIN"

    def respond(self, response: bytes | None) -> Any:
        """See `ISASLMechanism`."""
        if response is None:
            return b""
        parts = response.split(b"\0")
        if len(parts) != 3:
            raise InvalidResponse("PLAIN takes three parts with a NUL between them")
        identity, name, password = parts
        if not name or not password:
            raise InvalidResponse("PLAIN takes a user name and a password, neither empty")
        if identity not in (b"", name):
            raise InvalidResponse("nobody may act for another user here")
        return UsernamePassword(name, password)
