"""LOGIN (draft-murchison-sasl-login): never a standard, still what many clients send."""

from __future__ import annotations

from typing import Any

from twisted.cred.credentials import UsernamePassword
from zope.interface import implementer

from gateway.accounts.interfaces import InvalidResponse, ISASLMechanism


@implementer(ISASLMechanism)
class Login:
    """One exchange: the client is asked for its user name, which it may send at once, and then
    for its password."""

    name = "LOGIN"

    def __init__(self) -> None:
        self._username: bytes | None = None

    def respond(self, response: bytes | None) -> Any:
        """See `ISASLMechanism`."""
        if response is None:
            return b"Username:"
        if self._username is None:
            if not response:
                raise InvalidResponse("the user name is empty")
            self._username = response
            return b"Password:"
        if not response:
            raise InvalidResponse("the password is empty")
        return UsernamePassword(self._username, response)
